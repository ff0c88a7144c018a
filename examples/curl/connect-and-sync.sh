#!/bin/sh
# Connects a HubSpot account to Spoke, starts a sync, follows it and reads the issues: curl and sed, nothing else.
#
#   HUBSPOT_TOKEN=pat-... sh examples/curl/connect-and-sync.sh
#
# SPOKE_URL is http://localhost:8000 unless set, SPOKE_TENANT a new tenant's UUID, SPOKE_ADMIN_KEY the admin key where
# Spoke has one. Spoke must be running: `npm start`, or `npm run demo` for one with a HubSpot of its own.
set -eu

: "${HUBSPOT_TOKEN:?set HUBSPOT_TOKEN to an access token of your HubSpot account}"
api="${SPOKE_URL:-http://localhost:8000}/api/hubspot"
tenant="${SPOKE_TENANT:-$(cat /proc/sys/kernel/random/uuid 2>/dev/null || uuidgen | tr A-Z a-z)}"

# Prints the answer; where Spoke says no, its words, and ends. Secrets go through standard input, because the
# arguments of a program can be read by everybody on the machine.
ask() {
  answer=$(
    {
      if [ -n "${SPOKE_ADMIN_KEY:-}" ]; then printf 'header = "Authorization: Bearer %s"\n' "$SPOKE_ADMIN_KEY"; fi
      if [ -n "${body:-}" ]; then printf 'header = "Content-Type: application/json"\ndata = "%s"\n' "$body"; fi
    } | curl --silent --show-error --max-time 30 --config - --request "$1" "$api$2"
  )
  case $answer in
    *'"success":true'*) printf '%s\n' "$answer" ;;
    *) printf 'spoke: %s\n' "$answer" >&2 && exit 1 ;;
  esac
}

# The value of a field in a flat piece of JSON. A program of your own would use a JSON parser (here: jq).
field() { sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p"; }

body="{\\\"access_token\\\": \\\"$HUBSPOT_TOKEN\\\"}"
connected=$(ask POST "/integrations/$tenant")
integration=$(printf '%s' "$connected" | field integration_id)
echo "connected: tenant $tenant, integration $integration, account $(printf '%s' "$connected" | field hub_id)"

body=''
status=$(ask GET "/status/$tenant/$integration")
echo "status: connected $(printf '%s' "$status" | field connected)"
tickets=$(ask GET "/tickets/$tenant/$integration?limit=3")
echo "tickets at HubSpot: $(printf '%s' "$tickets" | field total_count)"

body='{\"sync_type\": \"full\"}'
started=$(ask POST "/sync/$tenant/$integration")
run=$(printf '%s' "$started" | field sync_event_id)
body=''

# The events end with the run. --no-buffer shows them as they come.
if [ -n "${SPOKE_ADMIN_KEY:-}" ]; then printf 'header = "Authorization: Bearer %s"\n' "$SPOKE_ADMIN_KEY"; fi |
  curl --silent --show-error --no-buffer --max-time 3600 --config - "$api/sync/$tenant/$integration/$run/events" |
  sed -n 's/^data: .*"state":"\([a-z]*\)".*"total":\([0-9a-z]*\),"done":\([0-9]*\).*/sync: \1, \3 of \2/p'
ended=$(ask GET "/sync/$tenant/$integration/$run")
state=$(printf '%s' "$ended" | field state)
if [ "$state" != succeeded ]; then echo "the sync ended as $state" >&2 && exit 1; fi

# All issues, page by page: each answer names where the next one begins.
count=0
after=''
while :; do
  page=$(ask GET "/issues/$tenant?limit=200$after")
  count=$((count + $(printf '%s' "$page" | grep -o '"issue_id":"' | wc -l)))
  next=$(printf '%s' "$page" | field next_after)
  if [ "$next" = null ]; then break; fi
  after="&after=$next"
done
echo "issues here: $count"
