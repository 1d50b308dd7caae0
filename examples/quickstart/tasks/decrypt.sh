# Opens message.pem (CMS) with the private key that came to this node as a certificate, and prints it.
set -eu
umask 077
pfx="$AZ_BATCH_CERTIFICATES_DIR/sha1-$CERTIFICATE_THUMBPRINT.pfx"
trap 'rm -f key.pem' EXIT
openssl pkcs12 -in "$pfx" -passin "file:$pfx.pw" -nodes -nocerts -out key.pem
openssl cms -decrypt -inform PEM -in message.pem -inkey key.pem
