"""CAS(ME)²: what `mer prepare casme_sq` does."""

from mer_core.start import script

if __name__ == "__main__":
    script("casme_sq")
