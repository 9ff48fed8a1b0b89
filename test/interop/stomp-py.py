"""stomp.py shows a behaviour: `stomp-py.py PORT BEHAVIOUR VERSION...` prints, for each version, what it saw."""

import os
import queue
import sys
import time

import stomp

PORT = int(sys.argv[1])
DEADLINE_S = 10
CONNECTIONS = {'1.0': stomp.Connection10, '1.1': stomp.Connection11, '1.2': stomp.Connection12}
OCTETS = bytes(range(256))


class Client(stomp.ConnectionListener):
    """A connection, and what came over it."""

    def __init__(self, version, **options):
        self.version = version
        self.messages = queue.Queue()
        self.receipts = queue.Queue()
        self.beats = 0
        self.headers = {}
        self.is_over = False
        self.connection = CONNECTIONS[version]([('127.0.0.1', PORT)], auto_decode=False, **options)
        if 'TLS_CA' in os.environ:
            self.connection.set_ssl([('127.0.0.1', PORT)], **tls_files())
        self.connection.set_listener('', self)
        self.connection.connect(wait=True)

    def on_connected(self, frame):
        self.headers = frame.headers

    def on_message(self, frame):
        self.messages.put(frame)

    def on_receipt(self, frame):
        self.receipts.put(frame.headers['receipt-id'])

    def on_error(self, frame):
        print(f'{frame.headers} {frame.body}', file=sys.stderr)

    def on_heartbeat(self):
        self.beats += 1

    def on_disconnected(self):
        self.is_over = True

    def subscribe(self, destination, ack='auto', **headers):
        self.connection.subscribe(destination, id='1', ack=ack, **headers)

    def send(self, destination, *bodies, **headers):
        for body in bodies:
            self.connection.send(destination, body, **headers)

    def next(self):
        return self.messages.get(timeout=DEADLINE_S)

    def ack(self, frame, **more):
        self.connection.ack(*self.named(frame), **more)

    def nack(self, frame):
        self.connection.nack(*self.named(frame))

    def named(self, frame):
        headers = frame.headers
        if self.version == '1.2':
            return [headers['ack']]
        return [headers['message-id']] + ([headers['subscription']] if self.version == '1.1' else [])

    def close(self):
        self.connection.disconnect(receipt='bye')


def tls_files():
    """Whom to trust, and the certificate to show, where there is one."""
    names = {'ca_certs': 'TLS_CA', 'cert_file': 'TLS_CERT', 'key_file': 'TLS_KEY'}
    return {name: os.environ[variable] for name, variable in names.items() if variable in os.environ}


def told(frame):
    """A message as it is shown."""
    again = ' (again)' if frame.headers.get('redelivered') == 'true' else ''
    return frame.body.decode() + again


def told_until(client, last):
    """All messages up to the one with that body."""
    seen = []
    while not seen or seen[-1] != last:
        seen.append(told(client.next()))
    return ' '.join(seen)


def left_in(destination, version, last):
    """What somebody else gets from a queue, down to a message that is sent last."""
    other = Client(version)
    other.subscribe(destination)
    other.send(destination, last)
    left = told_until(other, last)
    other.close()
    return left


def connect(version):
    client = Client(version)
    spoken = client.headers.get('version')
    client.close()
    return f'connected with {spoken}'


def order(version):
    consumer = Client(version)
    consumer.subscribe('/queue/order')
    producer = Client(version)
    producer.send('/queue/order', *(str(number) for number in range(1, 10_001)))
    for number in range(1, 10_001):
        body = consumer.next().body.decode()
        assert body == str(number), f'{body} came in the place of {number}'
    producer.close()
    consumer.close()
    return '10000 in order'


def receipts(version):
    client = Client(version)
    seen = []
    client.subscribe('/queue/receipts', 'client', receipt='SUBSCRIBE')
    seen.append(client.receipts.get(timeout=DEADLINE_S))
    client.send('/queue/receipts', 'a', receipt='SEND')
    seen.append(client.receipts.get(timeout=DEADLINE_S))
    client.ack(client.next(), receipt='ACK')
    seen.append(client.receipts.get(timeout=DEADLINE_S))
    client.connection.unsubscribe(id='1', receipt='UNSUBSCRIBE')
    seen.append(client.receipts.get(timeout=DEADLINE_S))
    client.close()
    return ' '.join(seen)


def bodies(version):
    client = Client(version)
    client.subscribe('/queue/bodies')
    sizes = []
    for body in [b'', OCTETS, OCTETS * 4096]:
        client.send('/queue/bodies', body)
        came = client.next().body or b''
        assert came == body, f'of {len(body)} octets came {len(came)}, or others'
        sizes.append(str(len(came)))
    client.close()
    return ' '.join(sizes)


def settle(version, mode, acknowledged):
    destination = f'/queue/{mode}'
    consumer = Client(version)
    consumer.subscribe(destination, mode)
    consumer.send(destination, 'one', 'two', 'three')
    frames = [consumer.next() for _ in range(3)]
    for at in acknowledged:
        consumer.ack(frames[at])
    consumer.close()
    return ' '.join(told(frame) for frame in frames) + ', then ' + left_in(destination, version, 'end')


def auto(version):
    return settle(version, 'auto', [])


def client(version):
    return settle(version, 'client', [1])


def client_individual(version):
    return settle(version, 'client-individual', [1])


def nack(version):
    consumer = Client(version)
    consumer.subscribe('/queue/nack', 'client-individual')
    consumer.send('/queue/nack', 'one')
    first = consumer.next()
    consumer.nack(first)
    second = consumer.next()
    consumer.ack(second)
    consumer.close()
    return f'{told(first)}, then {told(second)}'


def transactions(version):
    consumer = Client(version)
    consumer.subscribe('/queue/transactions', 'client-individual')
    connection = consumer.connection
    connection.begin('t1')
    consumer.send('/queue/transactions', 'a', 'b', transaction='t1')
    consumer.send('/queue/transactions', 'outside')
    frames = [consumer.next()]
    connection.commit('t1')
    frames += [consumer.next(), consumer.next()]
    connection.begin('t2')
    consumer.send('/queue/transactions', 'c', transaction='t2')
    connection.abort('t2')
    consumer.send('/queue/transactions', 'd')
    frames.append(consumer.next())
    consumer.ack(frames[0])
    connection.begin('t3')
    consumer.ack(frames[1], transaction='t3')
    connection.commit('t3')
    connection.begin('t4')
    consumer.ack(frames[2], transaction='t4')
    connection.abort('t4')
    consumer.close()
    return ' '.join(told(frame) for frame in frames) + ', then ' + left_in('/queue/transactions', version, 'end')


def heart_beats(version):
    client = Client(version, heartbeats=(1000, 1000), heart_beat_receive_scale=2)
    client.subscribe('/queue/beats')
    time.sleep(3.2)
    assert client.beats >= 2, f'heard {client.beats} beats'
    client.send('/queue/beats', 'alive')
    seen = told(client.next())
    client.close()
    return seen


def disconnect(version):
    client = Client(version)
    client.connection.disconnect(receipt='bye')
    assert client.receipts.get(timeout=DEADLINE_S) == 'bye'
    return 'disconnected'


SHOWS = {
    'connect': connect,
    'order': order,
    'receipts': receipts,
    'bodies': bodies,
    'auto': auto,
    'client': client,
    'client-individual': client_individual,
    'nack': nack,
    'transactions': transactions,
    'heart-beats': heart_beats,
    'disconnect': disconnect,
}

for version in sys.argv[3:]:
    print(f'{version}: {SHOWS[sys.argv[2]](version)}', flush=True)
