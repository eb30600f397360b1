"""The five vendored documents and the register of behaviours: data, and the reader that loads them."""

from usage_specs.model import Behaviour, Credential, Evidence, Service, Spec, SpecError, Switch
from usage_specs.reader import PROVIDERS, load, read_folder

__all__ = [
    "PROVIDERS",
    "Behaviour",
    "Credential",
    "Evidence",
    "Service",
    "Spec",
    "SpecError",
    "Switch",
    "load",
    "read_folder",
]
