"""MMEW: what `mer prepare mmew` does."""

from mer_core.start import script

if __name__ == "__main__":
    script("mmew")
