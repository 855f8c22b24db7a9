#!/bin/sh
# The example service: one page that says which task answers and on which host. Runs as process 1 of its container.

field() { sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p" "$ECS_CONTAINER_METADATA_FILE" 2>/dev/null | head -n 1; }

who="container $(hostname)"
where=""
if [ -n "$ECS_CONTAINER_METADATA_FILE" ]; then
  # The agent writes the file about when the container starts.
  tries=0
  while [ -z "$(field TaskARN)" ] && [ $tries -lt 20 ]; do
    tries=$((tries + 1))
    sleep 0.1
  done
  task=$(field TaskARN)
  [ -n "$task" ] && who="task ${task##*/}"
  host=$(field HostName)
  address=$(field HostPrivateIPv4Address)
  [ -n "$host" ] && where=" on $host${address:+ ($address)}"
  [ -z "$host" ] && [ -n "$address" ] && where=" on $address"
fi

mkdir -p /www
echo "Hello from $who$where, version ${VERSION:-v1}" | tee /www/index.html # and into the log
echo "healthy" >/www/health

# httpd answers each request in a process of its own, which outlives it: after SIGTERM nobody new is let in, and who is being answered
# gets the rest of the answer, within 0.8 seconds. What is left then is a connection that asks for nothing.
leave() {
  kill "$server" 2>/dev/null
  tries=0
  while [ $tries -lt 16 ] && busy; do
    tries=$((tries + 1))
    sleep 0.05
  done
  exit 0
}
busy() {
  for process in /proc/[0-9]*; do
    [ "$(cat "$process/comm" 2>/dev/null)" = httpd ] && ! grep -q '^State:.Z' "$process/status" 2>/dev/null && return 0
  done
  return 1
}

trap leave TERM INT
httpd -f -p 80 -h /www &
server=$!
wait "$server"
