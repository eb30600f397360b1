#!/bin/sh
# What the month so far cost at Varg and Surnex, asked with curl.
#
#   usagekit serve &
#   eval "$(usagekit env)"
#   sh usage.sh
#
# Without the BASE_URL variables the real services are asked, with the keys in VARG_API_KEY and SURNEX_API_KEY.
# Against `usagekit serve --tls --tls-ca ca.pem`, set CURL_CA_BUNDLE=ca.pem.
set -eu

to=${1:-$(date -u +%Y-%m-%d)}
from=${to%-*}-01

# The key travels in a file of its own and not in the arguments, which others on this machine can read.
ask() {
  printf 'header = "authorization: Bearer %s"\n' "$2" |
    curl --config - --silent --show-error --fail --max-time 30 \
      --retry 3 --retry-connrefused "$1/v1/usage?from=$from&to=$to"
}

varg=$(ask "${VARG_BASE_URL:-https://api.varg.ai}" "$VARG_API_KEY")
surnex=$(ask "${SURNEX_BASE_URL:-https://api.surnex.io}" "$SURNEX_API_KEY")

cents=$(printf '%s' "$varg" | sed -n 's/.*"total_cents":\([0-9.]*\).*/\1/p')
dollars=$(printf '%s' "$surnex" | sed -n 's/.*"totals":{[^}]*}[^}]*}[^}]*"estimated_cost_usd":\([0-9.]*\).*/\1/p')
printf '%s to %s\nvarg    %9.2f USD\nsurnex  %9.2f USD\n' "$from" "$to" \
  "$(printf '%s' "$cents" | awk '{ print $1 / 100 }')" "$dollars"
