"""One file per platform; `kinds` lists them."""
