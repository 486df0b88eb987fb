"""The fleet page: who stands between the laptops and the internet, on one screen and by links from there."""
