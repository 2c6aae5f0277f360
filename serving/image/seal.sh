#!/bin/sh
# Finishes an unpacked root file system: records its packages, adds the user and the certificates,
# compiles Python's library, and removes the packages that only installation needs.
set -eu

root=${1:?usage: seal.sh ROOT}
unneeded='debconf dpkg mawk tar'

mkdir "$root/var/lib/dpkg/status.d"
for deb in "$root"/var/cache/apt/archives/*.deb; do
  name=$(dpkg-deb --field "$deb" Package)
  case " $unneeded " in
  *" $name "*)
    dpkg-deb --fsys-tarfile "$deb" | tar --list | grep -v '/$' | sed "s|^\.|$root|" |
      while read -r file; do rm -f "$file"; done
    ;;
  *)
    {
      dpkg-deb --field "$deb"
      echo "SHA256: $(sha256sum "$deb" | cut -d' ' -f1)"
    } >"$root/var/lib/dpkg/status.d/$name"
    ;;
  esac
done

cat "$root"/usr/share/ca-certificates/mozilla/*.crt >"$root/etc/ssl/certs/ca-certificates.crt"
printf '%s\n' root:x:0:0:root:/root:/usr/sbin/nologin \
  nonroot:x:65532:65532:nonroot:/nonexistent:/usr/sbin/nologin >"$root/etc/passwd"
printf '%s\n' root:x:0: nonroot:x:65532: >"$root/etc/group"

# Compiled files are checked against nothing at import, so that their times do not matter, and are
# there because a read-only file system could never keep them.
library=$(cd "$root" && echo usr/lib/python3.*)
chroot "$root" /usr/bin/python3 -m compileall -q --invalidation-mode unchecked-hash "/$library"
