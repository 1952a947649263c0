"""The methods compared, one file each."""
