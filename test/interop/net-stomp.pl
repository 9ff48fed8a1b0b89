# Net::Stomp shows a behaviour: `net-stomp.pl PORT BEHAVIOUR VERSION...` prints, for each version, what it saw.

use strict;
use warnings;
use Net::Stomp;

my ( $port, $behaviour, @versions ) = @ARGV;
my $DEADLINE_S = 10;
my $OCTETS     = join '', map { chr } 0 .. 255;

# A connection that speaks this version: 1.0 unless CONNECT asks for another.
sub client {
    my ($version) = @_;
    my $stomp = Net::Stomp->new( { hostname => '127.0.0.1', port => $port, timeout => $DEADLINE_S } );
    my %asked = $version eq '1.0' ? () : ( 'accept-version' => $version, host => '/' );
    my $frame = $stomp->connect( { login => 'guest', passcode => 'guest', %asked } );
    die 'no answer to CONNECT' unless $frame;
    die $frame->as_string unless $frame->command eq 'CONNECTED';
    return ( $stomp, $frame );
}

sub subscribe {
    my ( $stomp, $destination, $ack, %headers ) = @_;
    $stomp->subscribe( { destination => $destination, id => '1', ack => $ack || 'auto', %headers } );
}

# The next frame, which must be of this command.
sub frame {
    my ( $stomp, $command ) = @_;
    my $frame = $stomp->receive_frame;
    die "no $command" unless $frame;
    die $frame->as_string unless $frame->command eq $command;
    return $frame;
}

# What an ACK or NACK says of a message, in this version.
sub named {
    my ( $version, $frame ) = @_;
    return ( frame => $frame, id => $frame->headers->{ack} ) if $version eq '1.2';
    return ( frame => $frame, subscription => $frame->headers->{subscription} ) if $version eq '1.1';
    return ( frame => $frame );
}

# BEGIN, COMMIT or ABORT, for which there is no method.
sub transact {
    my ( $stomp, $command, $transaction ) = @_;
    $stomp->send_frame(
        Net::Stomp::Frame->new( { command => $command, headers => { transaction => $transaction } } ) );
}

# A message as it is shown.
sub told {
    my ($frame) = @_;
    return $frame->body . ( ( $frame->headers->{redelivered} || '' ) eq 'true' ? ' (again)' : '' );
}

# What somebody else gets from a queue, down to a message that is sent last.
sub left_in {
    my ( $destination, $version, $last ) = @_;
    my ($other) = client($version);
    subscribe( $other, $destination );
    $other->send( { destination => $destination, body => $last } );
    my @seen;
    push @seen, told( frame( $other, 'MESSAGE' ) ) until @seen && $seen[-1] eq $last;
    $other->disconnect;
    return join ' ', @seen;
}

sub settle {
    my ( $version, $mode, @acknowledged ) = @_;
    my $destination = "/queue/$mode";
    my ($consumer)  = client($version);
    subscribe( $consumer, $destination, $mode );
    $consumer->send( { destination => $destination, body => $_ } ) for qw(one two three);
    my @frames = map { frame( $consumer, 'MESSAGE' ) } 1 .. 3;
    $consumer->ack( { named( $version, $frames[$_] ) } ) for @acknowledged;
    $consumer->disconnect;
    return join( ' ', map { told($_) } @frames ) . ', then ' . left_in( $destination, $version, 'end' );
}

my %shows = (
    'connect' => sub {
        my ($version) = @_;
        my ( $stomp, $frame ) = client($version);
        $stomp->disconnect;
        return 'connected with ' . $frame->headers->{version};
    },

    'order' => sub {
        my ($version)  = @_;
        my ($consumer) = client($version);
        subscribe( $consumer, '/queue/order' );
        my ($producer) = client($version);
        # Not from 0, which is false in Perl: Net::Stomp sends no body for it.
        $producer->send( { destination => '/queue/order', body => $_ } ) for 1 .. 10_000;
        for my $number ( 1 .. 10_000 ) {
            my $body = frame( $consumer, 'MESSAGE' )->body;
            die "$body came in the place of $number" unless $body eq $number;
        }
        $_->disconnect for $producer, $consumer;
        return '10000 in order';
    },

    'receipts' => sub {
        my ($version) = @_;
        my ($stomp)   = client($version);
        my @seen;
        subscribe( $stomp, '/queue/receipts', 'client', receipt => 'SUBSCRIBE' );
        push @seen, frame( $stomp, 'RECEIPT' )->headers->{'receipt-id'};
        # It takes the next frame for the RECEIPT: another session sends.
        my ($producer) = client($version);
        push @seen, 'SEND' if $producer->send_with_receipt( { destination => '/queue/receipts', body => 'a' } );
        $stomp->ack( { named( $version, frame( $stomp, 'MESSAGE' ) ), receipt => 'ACK' } );
        push @seen, frame( $stomp, 'RECEIPT' )->headers->{'receipt-id'};
        $stomp->unsubscribe( { destination => '/queue/receipts', id => '1', receipt => 'UNSUBSCRIBE' } );
        push @seen, frame( $stomp, 'RECEIPT' )->headers->{'receipt-id'};
        $_->disconnect for $producer, $stomp;
        return join ' ', @seen;
    },

    'bodies' => sub {
        my ($version) = @_;
        my ($stomp)   = client($version);
        subscribe( $stomp, '/queue/bodies' );
        my @sizes;
        for my $body ( '', $OCTETS, $OCTETS x 4096 ) {
            $stomp->send( { destination => '/queue/bodies', body => $body, bytes_message => 1 } );
            my $came = frame( $stomp, 'MESSAGE' )->body;
            die 'of ' . length($body) . ' octets came ' . length($came) . ', or others' unless $came eq $body;
            push @sizes, length $came;
        }
        $stomp->disconnect;
        return join ' ', @sizes;
    },

    'auto'              => sub { settle( $_[0], 'auto' ) },
    'client'            => sub { settle( $_[0], 'client',            1 ) },
    'client-individual' => sub { settle( $_[0], 'client-individual', 1 ) },

    'nack' => sub {
        my ($version) = @_;
        my ($stomp)   = client($version);
        subscribe( $stomp, '/queue/nack', 'client-individual' );
        $stomp->send( { destination => '/queue/nack', body => 'one' } );
        my $first = frame( $stomp, 'MESSAGE' );
        $stomp->nack( { named( $version, $first ) } );
        my $second = frame( $stomp, 'MESSAGE' );
        $stomp->ack( { named( $version, $second ) } );
        $stomp->disconnect;
        return told($first) . ', then ' . told($second);
    },

    'transactions' => sub {
        my ($version)   = @_;
        my $destination = '/queue/transactions';
        my ($stomp)     = client($version);
        subscribe( $stomp, $destination, 'client-individual' );
        transact( $stomp, 'BEGIN', 't1' );
        $stomp->send( { destination => $destination, body => $_, transaction => 't1' } ) for qw(a b);
        $stomp->send( { destination => $destination, body => 'outside' } );
        my @frames = frame( $stomp, 'MESSAGE' );
        transact( $stomp, 'COMMIT', 't1' );
        push @frames, frame( $stomp, 'MESSAGE' ), frame( $stomp, 'MESSAGE' );
        transact( $stomp, 'BEGIN', 't2' );
        $stomp->send( { destination => $destination, body => 'c', transaction => 't2' } );
        transact( $stomp, 'ABORT', 't2' );
        # Its own transaction of one message: it waits for the SEND's RECEIPT before it sends COMMIT.
        $stomp->send_transactional( { destination => $destination, body => 'd' } ) or die 'not committed';
        push @frames, frame( $stomp, 'MESSAGE' );
        $stomp->ack( { named( $version, $frames[0] ) } );
        transact( $stomp, 'BEGIN', 't3' );
        $stomp->ack( { named( $version, $frames[1] ), transaction => 't3' } );
        transact( $stomp, 'COMMIT', 't3' );
        transact( $stomp, 'BEGIN',  't4' );
        $stomp->ack( { named( $version, $frames[2] ), transaction => 't4' } );
        transact( $stomp, 'ABORT', 't4' );
        $stomp->disconnect;
        return join( ' ', map { told($_) } @frames ) . ', then ' . left_in( $destination, $version, 'end' );
    },

    'disconnect' => sub {
        my ($version) = @_;
        my ($stomp)   = client($version);
        $stomp->disconnect;
        die 'it is still connected' if $stomp->socket->connected;
        return 'disconnected';
    },
);

$| = 1;
print "$_: ", $shows{$behaviour}->($_), "\n" for @versions;
