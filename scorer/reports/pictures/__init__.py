"""One kind of picture per file: plain values -> marks on a figure. Nothing is computed here."""
