%% A server of Erlang's ssl. Words: address, port, chain, key, http or echo, then options as Erlang terms.
-module(erlang_ssl).
-export([main/0]).

main() ->
    [Address, Port, Chain, Key, Kind | Terms] = init:get_plain_arguments(),
    {ok, _} = application:ensure_all_started(ssl),
    ok = code:ensure_modules_loaded([gen_tcp, inet_tcp, inet6_tcp]),
    logger:set_primary_config(level, none),
    {ok, Where} = inet:parse_address(Address),
    Family = case tuple_size(Where) of 8 -> [inet6]; 4 -> [inet] end,
    Given = lists:append([term(T) || T <- Terms]),
    Options = Family ++ [binary, {active, false}, {reuseaddr, true}, {ip, Where}, {backlog, 64},
        {certfile, Chain}, {keyfile, Key} | Given],
    {ok, Listener} = ssl:listen(list_to_integer(Port), Options),
    accept(Listener, Kind).

term(Text) ->
    {ok, Tokens, _} = erl_scan:string(Text ++ "."),
    {ok, Term} = erl_parse:parse_term(Tokens),
    Term.

accept(Listener, Kind) ->
    {ok, One} = ssl:transport_accept(Listener),
    Server = spawn(fun() -> receive go -> serve(One, Kind) end end),
    ssl:controlling_process(One, Server),
    Server ! go,
    accept(Listener, Kind).

serve(One, Kind) ->
    case ssl:handshake(One, 10000) of
        {ok, Socket} -> talk(Socket, Kind);
        {ok, Socket, _} -> talk(Socket, Kind);
        {error, _} -> ok
    end.

talk(Socket, Kind) ->
    case {ssl:recv(Socket, 0, 30000), Kind} of
        {{ok, Said}, "echo"} -> ssl:send(Socket, Said), talk(Socket, Kind);
        {{ok, _}, "http"} ->
            ssl:send(Socket, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"),
            ssl:close(Socket);
        {{error, _}, _} -> ssl:close(Socket)
    end.
