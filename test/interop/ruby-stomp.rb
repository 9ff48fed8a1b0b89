# ruby-stomp shows a behaviour: `ruby-stomp.rb PORT BEHAVIOUR VERSION...` prints, for each version, what it saw.

require 'stomp'
require 'timeout'

PORT = Integer(ARGV[0])
DEADLINE_S = 10
OCTETS = (0..255).to_a.pack('C*')

# Who shows a certificate has no other login.
LOGIN = ENV.key?('TLS_CERT') ? {} : { login: 'guest', passcode: 'guest' }

# Whom to trust, and the certificate to show, where there is one.
def tls
  return {} unless ENV.key?('TLS_CA')

  files = { ts_files: ENV['TLS_CA'], cert_file: ENV['TLS_CERT'], key_file: ENV['TLS_KEY'] }
  { ssl: Stomp::SSLParams.new(files.compact) }
end

# A connection, and how its version names things.
class Client
  attr_reader :connection

  def initialize(version, headers = {})
    @version = version
    # ruby-stomp speaks 1.0 unless it is told both of these.
    headers = { 'accept-version' => version, 'host' => 'localhost' }.merge(headers) unless version == '1.0'
    @connection = Stomp::Connection.new(
      hosts: [{ host: '127.0.0.1', port: PORT }.merge(LOGIN, tls)],
      reliable: false,
      connect_headers: headers
    )
    frame = @connection.connection_frame
    raise "#{frame.headers} #{frame.body}" unless frame.command == 'CONNECTED'
  end

  def subscribe(destination, ack = 'auto', headers = {})
    @connection.subscribe(destination, { ack: ack, id: '1' }.merge(headers))
  end

  def send(destination, *bodies, **headers)
    bodies.each { |body| @connection.publish(destination, body, headers) }
  end

  # The next frame, which must be of this command.
  def frame(command)
    frame = Timeout.timeout(DEADLINE_S) { @connection.receive }
    raise "#{frame&.command} #{frame&.headers} #{frame&.body}" unless frame&.command == command

    frame
  end

  def next
    frame('MESSAGE')
  end

  def receipt
    frame('RECEIPT').headers['receipt-id']
  end

  def ack(message, headers = {})
    @connection.ack(*named(message, headers))
  end

  def nack(message)
    @connection.nack(*named(message, {}))
  end

  def named(message, headers)
    return [message.headers['ack'], headers] if @version == '1.2'

    of = @version == '1.1' ? { subscription: message.headers['subscription'] } : {}
    [message.headers['message-id'], of.merge(headers)]
  end

  def close
    @connection.disconnect(receipt: 'bye')
    raise 'no receipt' unless @connection.disconnect_receipt.headers['receipt-id'] == 'bye'
  end
end

# A message as it is shown.
def told(message)
  message.body + (message.headers['redelivered'] == 'true' ? ' (again)' : '')
end

# All messages up to the one with that body.
def told_until(client, last)
  seen = []
  seen << told(client.next) until seen.last == last
  seen.join(' ')
end

# What somebody else gets from a queue, down to a message that is sent last.
def left_in(destination, version, last)
  other = Client.new(version)
  other.subscribe(destination)
  other.send(destination, last)
  left = told_until(other, last)
  other.close
  left
end

def connect(version)
  client = Client.new(version)
  client.close
  "connected with #{client.connection.protocol}"
end

def order(version)
  consumer = Client.new(version)
  consumer.subscribe('/queue/order')
  producer = Client.new(version)
  producer.send('/queue/order', *(1..10_000).map(&:to_s))
  (1..10_000).each do |number|
    body = consumer.next.body
    raise "#{body} came in the place of #{number}" unless body == number.to_s
  end
  producer.close
  consumer.close
  '10000 in order'
end

def receipts(version)
  client = Client.new(version)
  client.subscribe('/queue/receipts', 'client', receipt: 'SUBSCRIBE')
  seen = [client.receipt]
  client.send('/queue/receipts', 'a', receipt: 'SEND')
  # The order of a RECEIPT and of the MESSAGE to the same session is the broker's.
  frames = [client.connection.receive, client.connection.receive]
  seen << frames.find { |frame| frame.command == 'RECEIPT' }.headers['receipt-id']
  client.ack(frames.find { |frame| frame.command == 'MESSAGE' }, receipt: 'ACK')
  seen << client.receipt
  client.connection.unsubscribe('/queue/receipts', id: '1', receipt: 'UNSUBSCRIBE')
  seen << client.receipt
  client.close
  seen.join(' ')
end

def bodies(version)
  client = Client.new(version)
  client.subscribe('/queue/bodies')
  sizes = ['', OCTETS, OCTETS * 4096].map do |body|
    client.send('/queue/bodies', body)
    came = client.next.body
    raise "of #{body.bytesize} octets came #{came.bytesize}, or others" unless came.b == body.b

    came.bytesize
  end
  client.close
  sizes.join(' ')
end

def settle(version, mode, acknowledged)
  destination = "/queue/#{mode}"
  consumer = Client.new(version)
  consumer.subscribe(destination, mode)
  consumer.send(destination, 'one', 'two', 'three')
  messages = Array.new(3) { consumer.next }
  acknowledged.each { |at| consumer.ack(messages[at]) }
  consumer.close
  "#{messages.map { |message| told(message) }.join(' ')}, then #{left_in(destination, version, 'end')}"
end

def nack(version)
  consumer = Client.new(version)
  consumer.subscribe('/queue/nack', 'client-individual')
  consumer.send('/queue/nack', 'one')
  first = consumer.next
  consumer.nack(first)
  second = consumer.next
  consumer.ack(second)
  consumer.close
  "#{told(first)}, then #{told(second)}"
end

def transactions(version)
  consumer = Client.new(version)
  consumer.subscribe('/queue/transactions', 'client-individual')
  connection = consumer.connection
  connection.begin('t1')
  consumer.send('/queue/transactions', 'a', 'b', transaction: 't1')
  consumer.send('/queue/transactions', 'outside')
  messages = [consumer.next]
  connection.commit('t1')
  messages.push(consumer.next, consumer.next)
  connection.begin('t2')
  consumer.send('/queue/transactions', 'c', transaction: 't2')
  connection.abort('t2')
  consumer.send('/queue/transactions', 'd')
  messages << consumer.next
  consumer.ack(messages[0])
  connection.begin('t3')
  consumer.ack(messages[1], transaction: 't3')
  connection.commit('t3')
  connection.begin('t4')
  consumer.ack(messages[2], transaction: 't4')
  connection.abort('t4')
  consumer.close
  "#{messages.map { |message| told(message) }.join(' ')}, then #{left_in('/queue/transactions', version, 'end')}"
end

def heart_beats(version)
  client = Client.new(version, 'heart-beat' => '1000,1000')
  client.subscribe('/queue/beats')
  sleep 3.2
  heard = client.connection.hbrecv_count
  raise "heard #{heard} beats" unless heard >= 2

  client.send('/queue/beats', 'alive')
  seen = told(client.next)
  client.close
  seen
end

def disconnect(version)
  client = Client.new(version)
  client.close
  raise 'it is still open' unless client.connection.closed?

  'disconnected'
end

SHOWS = {
  'connect' => method(:connect),
  'order' => method(:order),
  'receipts' => method(:receipts),
  'bodies' => method(:bodies),
  'auto' => ->(version) { settle(version, 'auto', []) },
  'client' => ->(version) { settle(version, 'client', [1]) },
  'client-individual' => ->(version) { settle(version, 'client-individual', [1]) },
  'nack' => method(:nack),
  'transactions' => method(:transactions),
  'heart-beats' => method(:heart_beats),
  'disconnect' => method(:disconnect)
}.freeze

ARGV.drop(2).each { |version| puts "#{version}: #{SHOWS.fetch(ARGV[1]).call(version)}" }
