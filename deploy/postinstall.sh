#!/bin/sh
# After the package is installed: the user, and a file with the settings if there is none.
set -eu
id saumer >/dev/null 2>&1 || useradd --system --user-group --home-dir /var/lib/saumer --shell /usr/sbin/nologin saumer
if [ ! -e /etc/saumer/saumer.yaml ]; then
  install -d -o root -g saumer -m 750 /etc/saumer
  /usr/local/bin/saumer config init /etc/saumer/saumer.yaml >/dev/null
  chown root:saumer /etc/saumer/saumer.yaml
  chmod 640 /etc/saumer/saumer.yaml
fi
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
fi
