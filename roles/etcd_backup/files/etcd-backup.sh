#!/usr/bin/env bash
# Makes one encrypted backup: a snapshot of the local etcd member, and the keys and the configuration
# that a new cluster needs to read it. A backup appears whole or not at all; any failure ends with a
# non-zero status, a reason on standard error and no partial file.
set -euo pipefail
umask 077

readonly tool=/usr/local/libexec/etcd-backup/etcd-tool
readonly directory=$ETCD_BACKUP_DIRECTORY
stage="start"
work=""
made="no backup was made"

clean_up() {
  local status=$?
  if [[ -n $work ]]; then rm -rf -- "$work"; fi
  if ((status)); then echo "etcd-backup: failed while trying to $stage; $made" >&2; fi
  exit "$status"
}
trap clean_up EXIT

stage="take the lock (is another backup running?)"
exec 9>/run/etcd-backup.lock
flock --nonblock 9

stage="clear what an interrupted backup left"
find "$directory" -mindepth 1 -maxdepth 1 -name '.partial-*' -exec rm -rf -- {} +

stage="ask etcd for the size of its database"
size=$("$tool" etcdctl endpoint status --write-out=json | grep --only-matching --max-count=1 '"dbSize":[0-9]*' | head -n 1 | cut -d: -f2)
stage="find room for two copies of $((size / 1048576)) MB and $ETCD_BACKUP_MIN_FREE_MB MB more in $directory"
free=$(df --output=avail --block-size=1 "$directory" | tail -n 1)
((free > 2 * size + ETCD_BACKUP_MIN_FREE_MB * 1048576))

work=$(mktemp --directory "$directory/.partial-XXXXXX")
export ETCD_BACKUP_WORK=$work
name=etcd-$(hostname)-$(date --utc +%Y%m%dT%H%M%SZ).tar.age

stage="take a snapshot of $ETCD_BACKUP_ENDPOINT"
"$tool" etcdctl snapshot save "$work/snapshot.db"
stage="check the snapshot"
"$tool" etcdutl snapshot status "$work/snapshot.db"

stage="encrypt the snapshot with the keys and the configuration of the cluster"
files=()
for file in $ETCD_BACKUP_FILES; do
  if [[ -e $file ]]; then files+=("${file#/}"); fi
done
tar --create --directory="$work" snapshot.db --directory=/ "${files[@]}" |
  age --encrypt --recipients-file /etc/etcd-backup/recipients --output "$work/$name"
rm -f -- "$work/snapshot.db"
(cd "$work" && sha256sum "$name" >"$name.sha256" && sha256sum --quiet --check "$name.sha256")
[[ $(head --bytes=21 "$work/$name") == age-encryption.org/v1 ]]

stage="bring the backup to the disk"
sync "$work/$name" "$work/$name.sha256"
# The digest goes first: a file without one does not count as a backup, one with it is whole.
mv --no-target-directory "$work/$name.sha256" "$directory/$name.sha256"
mv --no-target-directory "$work/$name" "$directory/$name"
ln --symbolic --force --no-dereference "$name" "$directory/latest"
sync "$directory"
echo "etcd-backup: made $directory/$name ($(stat --format=%s "$directory/$name") bytes)"
made="the backup is on this host alone"

if [[ -n $ETCD_BACKUP_COPY ]]; then
  stage="take the backup off this host ($ETCD_BACKUP_COPY)"
  bash -c "$ETCD_BACKUP_COPY \"\$1\"" etcd-backup "$directory/$name"
fi
made="the new backup is there"

stage="delete old backups (the new one is there)"
mapfile -t backups < <(find "$directory" -mindepth 1 -maxdepth 1 -name 'etcd-*.age' -printf '%T@ %f\n' | sort --reverse --numeric-sort | cut -d' ' -f2-)
keep=$((ETCD_BACKUP_KEEP_COUNT > 1 ? ETCD_BACKUP_KEEP_COUNT : 1))
for old in "${backups[@]:keep}"; do
  if [[ $old != "$name" && -n $(find "$directory/$old" -mtime "+$((ETCD_BACKUP_KEEP_DAYS - 1))") ]]; then
    rm -f -- "$directory/$old" "$directory/$old.sha256"
    echo "etcd-backup: deleted $old"
  fi
done
