# Counts the words of input.txt: lines of count, tab, word, in counts.tsv.
set -eu
export LC_ALL=C
awk '
  {
    line = tolower($0)
    gsub(/[^a-z]+/, " ", line)
    n = split(line, words, " ")
    for (i = 1; i <= n; i++) counts[words[i]]++
  }
  END { for (word in counts) printf "%d\t%s\n", counts[word], word }
' input.txt > counts.tsv
awk '{ words += $1 } END { printf "%d words, %d different\n", words, NR }' counts.tsv
