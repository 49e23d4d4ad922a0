#!/bin/sh
# Makes what the processes of one gateway, and its first administrator, show each other over gRPC: an authority of their
# own, a certificate `mailyard` for all processes, and one for `administrator`. Usage: certificates.sh [FOLDER] [NAME...]
# FOLDER (certificates) must not have them yet; NAMEs are further hosts under which the processes are reached.
set -eu
folder=${1:-certificates}
[ $# -eq 0 ] || shift
if [ -e "$folder/authority.key" ]; then
  echo "certificates.sh: $folder has an authority already" >&2
  exit 1
fi
umask 077
mkdir -p "$folder"
cd "$folder"
days=3650
names=DNS:mailyard,DNS:localhost,IP:127.0.0.1
for name in routing admin "$@"; do names=$names,DNS:$name; done

new_key() { openssl ecparam -genkey -name prime256v1 -noout -out "$1.key"; }

new_key authority
openssl req -x509 -new -key authority.key -days $days -subj '/CN=Mailyard authority' -out authority.pem
for who in mailyard administrator; do
  new_key $who
  {
    echo 'basicConstraints=critical,CA:FALSE'
    echo 'extendedKeyUsage=serverAuth,clientAuth'
    [ $who != mailyard ] || echo "subjectAltName=$names"
  } > $who.ext
  openssl req -new -key $who.key -subj /CN=$who -out $who.csr
  openssl x509 -req -in $who.csr -CA authority.pem -CAkey authority.key -CAcreateserial -days $days \
    -extfile $who.ext -out $who.pem 2> /dev/null
  rm $who.csr $who.ext
done
rm -f authority.srl
echo "made $folder: keep authority.key elsewhere; the processes need the other files"
