# Adds up counts/*.tsv and writes report.json, most frequent words first.
set -eu
export LC_ALL=C
set -- counts/*.tsv
awk '{ counts[$2] += $1 } END { for (word in counts) printf "%d\t%s\n", counts[word], word }' "$@" |
  sort -k1,1nr -k2,2 |
  awk -v files="$#" '
    BEGIN { printf "{\n  \"files\": %d,\n  \"words\": {", files }
    { printf "%s\n    \"%s\": %d", (NR > 1 ? "," : ""), $2, $1 }
    END { print "\n  }\n}" }
  ' > report.json
awk 'NR > 3 && NR <= 13' report.json
