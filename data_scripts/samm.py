"""SAMM: what `mer prepare samm` does."""

from mer_core.start import script

if __name__ == "__main__":
    script("samm")
