"""Videos of large expressions: what `mer prepare macro` does."""

from mer_core.start import script

if __name__ == "__main__":
    script("macro")
