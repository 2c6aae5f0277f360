#!/usr/bin/env bash
# Runs etcdctl or etcdutl against the local member: `etcd-tool etcdctl endpoint health`.
# ETCD_BACKUP_CLIENT=image takes them from the control plane's own etcd image, so that their
# version is the server's; package takes the ones installed on the host.
set -euo pipefail

# shellcheck source=/dev/null
[[ -n ${ETCD_BACKUP_DIRECTORY:-} ]] || source /etc/etcd-backup/environment
tool=$1
shift

connection=()
if [[ $tool == etcdctl ]]; then
  connection=(--endpoints="$ETCD_BACKUP_ENDPOINT")
  if [[ $ETCD_BACKUP_ENDPOINT == https://* ]]; then
    connection+=(--cacert="$ETCD_BACKUP_PKI/ca.crt"
      --cert="$ETCD_BACKUP_PKI/healthcheck-client.crt"
      --key="$ETCD_BACKUP_PKI/healthcheck-client.key")
  fi
fi

if [[ $ETCD_BACKUP_CLIENT == package ]]; then
  # Before 3.5 etcdctl did etcdutl's work too.
  if [[ $tool == etcdutl ]] && ! command -v etcdutl >/dev/null; then tool=etcdctl; fi
  ETCDCTL_API=3 exec "$tool" "${connection[@]}" "$@"
fi

image=${ETCD_BACKUP_IMAGE:-$(sed -n 's/^ *image: *//p' "$ETCD_BACKUP_MANIFEST" | tr -d '"' | head -n 1)}
work=${ETCD_BACKUP_WORK:-$ETCD_BACKUP_DIRECTORY}
exec ctr --namespace k8s.io run --rm --net-host \
  --mount "type=bind,src=$ETCD_BACKUP_PKI,dst=$ETCD_BACKUP_PKI,options=rbind:ro" \
  --mount "type=bind,src=$work,dst=$work,options=rbind:rw" \
  "$image" "etcd-backup-$$" "$tool" "${connection[@]}" "$@"
