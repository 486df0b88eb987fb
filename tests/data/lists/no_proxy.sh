export http_proxy=http://proxy.example:8080
export no_proxy="localhost,.bank.example,health.example:8443,10.0.0.0/8,*.card.example,x-*,${MORE}"
