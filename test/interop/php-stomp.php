<?php
// php-stomp shows a behaviour: `php-stomp.php PORT BEHAVIOUR VERSION...` prints, for each version, what it saw.

// For CONNECTED, too: it waits two seconds, unless told, and machines that test are busy.
const DEADLINE_S = 10;
ini_set('stomp.default_read_timeout_sec', (string) DEADLINE_S);

set_error_handler(function (int $level, string $message, string $file, int $line): never {
    throw new ErrorException($message, 0, $level, $file, $line);
});

/** A connection that speaks this version: 1.0 unless CONNECT asks for another. */
function client(string $version): Stomp
{
    global $argv;
    $headers = $version === '1.0' ? [] : ['accept-version' => $version, 'host' => '/'];
    return new Stomp("tcp://127.0.0.1:$argv[1]", 'guest', 'guest', $headers);
}

function subscribe(Stomp $stomp, string $destination, string $ack = 'auto', array $headers = []): void
{
    check($stomp->subscribe($destination, ['id' => '1', 'ack' => $ack] + $headers), $stomp);
}

function send(Stomp $stomp, string $destination, string $body, array $headers = []): void
{
    check($stomp->send($destination, $body, $headers), $stomp);
}

/** What was asked for with a receipt is true when the RECEIPT has come. */
function check(bool $isDone, Stomp $stomp): void
{
    if (!$isDone) throw new Exception('refused: ' . $stomp->error());
}

function message(Stomp $stomp): StompFrame
{
    $frame = $stomp->readFrame();
    if ($frame === false || $frame->command !== 'MESSAGE') throw new Exception('no MESSAGE: ' . var_export($frame, true));
    return $frame;
}

/** An ACK repeats the headers of the message; the id of 1.2 is the only one that it does not know. */
function ack(Stomp $stomp, StompFrame $frame, array $headers = []): void
{
    check($stomp->ack($frame, named($frame) + $headers), $stomp);
}

function named(StompFrame $frame): array
{
    return isset($frame->headers['ack']) ? ['id' => $frame->headers['ack']] : [];
}

/** A message as it is shown. */
function told(StompFrame $frame): string
{
    return $frame->body . (($frame->headers['redelivered'] ?? '') === 'true' ? ' (again)' : '');
}

function toldAll(array $frames): string
{
    return implode(' ', array_map('told', $frames));
}

/** What somebody else gets from a queue, down to a message that is sent last. */
function leftIn(string $destination, string $version, string $last): string
{
    $other = client($version);
    subscribe($other, $destination);
    send($other, $destination, $last);
    $frames = [];
    do $frames[] = $frame = message($other); while ($frame->body !== $last);
    return toldAll($frames);
}

function settle(string $version, string $mode, array $acknowledged): string
{
    $consumer = client($version);
    subscribe($consumer, "/queue/$mode", $mode);
    foreach (['one', 'two', 'three'] as $body) send($consumer, "/queue/$mode", $body);
    $frames = [message($consumer), message($consumer), message($consumer)];
    foreach ($acknowledged as $at) ack($consumer, $frames[$at]);
    unset($consumer);
    return toldAll($frames) . ', then ' . leftIn("/queue/$mode", $version, 'end');
}

$shows = [
    'connect' => function (string $version): string {
        $stomp = client($version);
        // It keeps one header of CONNECTED.
        return $stomp->getSessionId() === '' ? 'no session' : "connected with $version";
    },

    'order' => function (string $version): string {
        $consumer = client($version);
        subscribe($consumer, '/queue/order');
        $producer = client($version);
        for ($number = 1; $number <= 10_000; $number++) send($producer, '/queue/order', "$number");
        for ($number = 1; $number <= 10_000; $number++) {
            $body = message($consumer)->body;
            if ($body !== "$number") throw new Exception("$body came in the place of $number");
        }
        return '10000 in order';
    },

    'receipts' => function (string $version): string {
        $stomp = client($version);
        subscribe($stomp, '/queue/receipts', 'client', ['receipt' => 'SUBSCRIBE']);
        send($stomp, '/queue/receipts', 'a', ['receipt' => 'SEND']);
        ack($stomp, message($stomp), ['receipt' => 'ACK']);
        check($stomp->unsubscribe('/queue/receipts', ['id' => '1', 'receipt' => 'UNSUBSCRIBE']), $stomp);
        return 'SUBSCRIBE SEND ACK UNSUBSCRIBE';
    },

    'bodies' => function (string $version): string {
        $octets = implode('', array_map('chr', range(0, 255)));
        $stomp = client($version);
        subscribe($stomp, '/queue/bodies');
        $sizes = [];
        foreach (['', $octets, str_repeat($octets, 4096)] as $body) {
            send($stomp, '/queue/bodies', $body);
            $frame = message($stomp);
            $size = strlen($frame->body ?? '');
            if (($frame->body ?? '') !== $body) throw new Exception('of ' . strlen($body) . " octets came $size, or others");
            $sizes[] = $size;
        }
        return implode(' ', $sizes);
    },

    'auto' => fn (string $version): string => settle($version, 'auto', []),
    'client' => fn (string $version): string => settle($version, 'client', [1]),
    'client-individual' => fn (string $version): string => settle($version, 'client-individual', [1]),

    'nack' => function (string $version): string {
        $stomp = client($version);
        subscribe($stomp, '/queue/nack', 'client-individual');
        send($stomp, '/queue/nack', 'one');
        $first = message($stomp);
        check($stomp->nack($first, named($first)), $stomp);
        $second = message($stomp);
        ack($stomp, $second);
        return told($first) . ', then ' . told($second);
    },

    'transactions' => function (string $version): string {
        $queue = '/queue/transactions';
        $stomp = client($version);
        subscribe($stomp, $queue, 'client-individual');
        check($stomp->begin('t1'), $stomp);
        send($stomp, $queue, 'a', ['transaction' => 't1']);
        send($stomp, $queue, 'b', ['transaction' => 't1']);
        send($stomp, $queue, 'outside');
        $frames = [message($stomp)];
        check($stomp->commit('t1'), $stomp);
        array_push($frames, message($stomp), message($stomp));
        check($stomp->begin('t2'), $stomp);
        send($stomp, $queue, 'c', ['transaction' => 't2']);
        check($stomp->abort('t2'), $stomp);
        send($stomp, $queue, 'd');
        $frames[] = message($stomp);
        ack($stomp, $frames[0]);
        check($stomp->begin('t3'), $stomp);
        ack($stomp, $frames[1], ['transaction' => 't3']);
        check($stomp->commit('t3'), $stomp);
        check($stomp->begin('t4'), $stomp);
        ack($stomp, $frames[2], ['transaction' => 't4']);
        check($stomp->abort('t4'), $stomp);
        unset($stomp);
        return toldAll($frames) . ', then ' . leftIn($queue, $version, 'end');
    },

    'disconnect' => function (string $version): string {
        $stomp = client($version);
        // It sends DISCONNECT when it is destroyed, and has no other way.
        unset($stomp);
        return 'disconnected';
    },
];

foreach (array_slice($argv, 3) as $version) echo "$version: ", $shows[$argv[2]]($version), "\n";
