"""The commands of the `usagekit` program: one module each, offering a click command named `command`."""
