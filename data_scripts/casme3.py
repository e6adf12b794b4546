"""CAS(ME)³: what `mer prepare casme3` does."""

from mer_core.start import script

if __name__ == "__main__":
    script("casme3")
