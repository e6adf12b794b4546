"""CASME II: what `mer prepare casme2` does."""

from mer_core.start import script

if __name__ == "__main__":
    script("casme2")
