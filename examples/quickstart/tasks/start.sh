# Start task: the node is of use only if the certificate is installed and openssl can read it.
set -eu
pfx="$AZ_BATCH_CERTIFICATES_DIR/sha1-$CERTIFICATE_THUMBPRINT.pfx"
openssl pkcs12 -in "$pfx" -passin "file:$pfx.pw" -nokeys | openssl x509 -noout -subject
