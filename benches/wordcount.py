#!/usr/bin/env python3
"""examples/wordcount.gene in Python, for comparing the two on a large file.

    python3 benches/wordcount.py FILE ...
    python3 benches/wordcount.py --make FILE [MEGABYTES]      writes a UTF-8 text, 10 MB unless told

    time python3 benches/wordcount.py big.txt
    time gene run examples/wordcount.gene big.txt
"""

import sys

TOP = 12
PUNCTUATION = "\"'`.,:;!?()[]{}<>*_~-“”‘’„…«»"


def count_words(text, counts):
    total = 0
    for raw in text.lower().replace("—", " ").split():
        word = raw.strip(PUNCTUATION)
        if word:
            counts[word] = counts.get(word, 0) + 1
            total += 1
    return total


def main(files):
    counts = {}
    total = 0
    for file in files:
        with open(file, encoding="utf-8") as f:
            total += count_words(f.read(), counts)
    print("%d words, %d different" % (total, len(counts)))
    for word, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:TOP]:
        print("%7d %s" % (count, word))


def make(path, megabytes):
    """A text with the shape of a natural one: few words are frequent and many are rare, one letter in thirty is not ASCII."""
    seed = 42

    def random(n):
        nonlocal seed
        seed = seed * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
        return (seed >> 33) * n >> 31

    letters = "eeeeeetttttaaaaoooiiinnnsssrrrhhhlldducmfpgwybvkéüøß"
    vocabulary = ["".join(letters[random(len(letters))] for _ in range(1 + random(4) + random(7))) for _ in range(40_000)]
    size, line = 0, []
    with open(path, "w", encoding="utf-8") as f:
        while size < megabytes * 1_000_000:
            # the product of three uniform numbers prefers small indices about as strongly as language does
            word = vocabulary[random(200) * random(200) * (1 + random(1000)) // 1000]
            ending = random(24)
            word = word.capitalize() if ending < 2 else word
            line.append(word + ("." if ending == 3 else "," if ending == 4 else " —" if ending == 5 else ""))
            if len(line) == 12:
                text = " ".join(line) + ("\n\n" if random(9) == 0 else "\n")
                size += len(text.encode())
                f.write(text)
                line = []


if __name__ == "__main__":
    if sys.argv[1:2] == ["--make"] and len(sys.argv) > 2:
        make(sys.argv[2], float(sys.argv[3]) if len(sys.argv) > 3 else 10)
    elif len(sys.argv) > 1:
        main(sys.argv[1:])
    else:
        sys.exit(__doc__)
