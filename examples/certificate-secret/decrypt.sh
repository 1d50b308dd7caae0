#!/bin/sh
# Opens what was encrypted for the node's certificate; $1 is the file. The key never reaches the disk of the task.
set -eu
pfx="$AZ_BATCH_CERTIFICATES_DIR/sha1-$THUMBPRINT.pfx"
openssl pkcs12 -in "$pfx" -passin "file:$pfx.pw" -nodes 2>/dev/null |
  openssl cms -decrypt -inform PEM -in "$1" -inkey /dev/stdin |
  wc -c
