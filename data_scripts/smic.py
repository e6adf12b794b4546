"""SMIC: what `mer prepare smic` does."""

from mer_core.start import script

if __name__ == "__main__":
    script("smic")
