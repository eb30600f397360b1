// What a week used at five AI services, one line each; Node 20 or newer, no packages.
//
//   usagekit serve &
//   usagekit env --shell dotenv > .env
//   node --env-file=.env usage.mjs
//
// Without the BASE_URL variables the real services are asked, with the keys in VARG_API_KEY and so on.
// Against `usagekit serve --tls --tls-ca ca.pem`, Node has to be started with NODE_EXTRA_CA_CERTS=ca.pem.

const day = (at) => new Date(at).toISOString().slice(0, 10);
const last = process.argv[2] ?? day(Date.now() - 86_400_000);
const first = day(Date.parse(last) - 6 * 86_400_000);
const period = { from: first, to: last };

const services = [
  {
    name: "somya",
    url: "https://api.somya.ai/v1/usage",
    headers: (key) => ({ "x-api-key": key }),
    query: period,
    read: ({ data }) => `${data.requests.tts_characters_processed} characters spoken`,
  },
  {
    name: "supertone",
    url: "https://supertoneapi.com/v1/voice-usage",
    headers: (key) => ({ "x-sup-api-key": key }),
    query: { start_date: first, end_date: last },
    read: ({ usages }) =>
      `${usages.reduce((sum, row) => sum + row.total_minutes_used, 0).toFixed(2)} minutes in ${usages.length} rows`,
  },
  {
    name: "varg",
    url: "https://api.varg.ai/v1/usage",
    query: period,
    read: ({ usage, total_cents }) => `${usage.length} jobs for ${(total_cents / 100).toFixed(2)} USD`,
  },
  {
    name: "surnex",
    url: "https://api.surnex.io/v1/usage",
    query: period,
    read: ({ totals }) => `${totals.calls_total} calls for ${totals.estimated_cost_usd.toFixed(2)} USD`,
  },
  {
    name: "lyrcs",
    url: "https://lyrcs.ai/api/v1/usage",
    read: ({ total_jobs }) => `${total_jobs} jobs since the account began`,
  },
];

async function report({ name, url, headers, query = {}, read }) {
  const variable = name.toUpperCase();
  const key = process.env[`${variable}_API_KEY`] ?? "";
  const { pathname } = new URL(url);
  const base = process.env[`${variable}_BASE_URL`];
  const target = new URL(base ? base + pathname : url);
  target.search = new URLSearchParams(query);
  const reply = await fetch(target, {
    headers: headers?.(key) ?? { authorization: `Bearer ${key}` },
    signal: AbortSignal.timeout(10_000),
  });
  if (!reply.ok) throw new Error(`status ${reply.status}`);
  return read(await reply.json());
}

const results = await Promise.allSettled(services.map(report));
results.forEach(({ value, reason }, at) => {
  const cause = reason?.cause?.code ?? reason?.message;
  console.log(`${services[at].name}: ${reason ? `failed, ${cause}` : value}`);
});
process.exitCode = results.some(({ status }) => status === "rejected") ? 1 : 0;
