"""What a browser shows. Values in, HTML out: who may see it, and by which door, is not known here."""
