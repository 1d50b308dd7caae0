#!/usr/bin/perl
# The parent of a node's agent, and of its tasks once the agent has died: `perl survivor.pl PROGRAM ARGUMENTS`.
#
# It starts the agent, starts it again when it crashes, collects the exit codes of tasks that lost their
# parent and tells them to the next agent, and kills everything of the node when the lease ends and no
# agent has put it off. A subreaper: whatever the agent or a task leaves behind becomes its child.
#
#   from the agent (descriptor 4)   root PATH · lease UNTIL · lease none
#   to the agent (descriptor 3)     lease UNTIL · lapsed · ended PID STATUS TIME USER SYSTEM · ready
#
# UNTIL is the uptime in seconds, STATUS as wait(2) has it, TIME the uptime at the end, USER and SYSTEM
# milliseconds of processor time. The agent's exit codes 0 and 1 are its last word; any other way to end
# is a crash. Only what every perl-base has is used.
use strict;
use warnings;
use POSIX qw(:sys_wait_h);
use Fcntl;

my @command = @ARGV or die "survivor: name the program to start\n";
# The disk of VM nodes has the agent's compiled code beside the bundle that their images name.
for (@command) { $_ = "$1start.cjs" if m{^(.*/)agent\.mjs$} && -e "$1agent.cache" }
my $PR_SET_CHILD_SUBREAPER = 36;
my %PRCTL = (x86_64 => 157, aarch64 => 167, i686 => 172, armv7l => 172, riscv64 => 167, ppc64le => 171, s390x => 172);
my $prctl = $PRCTL{(POSIX::uname())[4]};
# Without it the agent's children could not be kept: it runs as if there were no survivor.
if (!defined $prctl || syscall($prctl, $PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) { exec { $command[0] } @command or die "survivor: $command[0]: $!\n" }

# Exit codes that are kept for an agent to come: what a pipe takes at once.
my $ENDED_MAX = 1024;
my $CALM = 10;           # Seconds after which a crash counts as the first one again.
my $PAUSE_MAX = 5;

my ($agent, $to_agent, $from_agent, $root, $lease, $stopping) = (0, undef, undef, undef, undef, 0);
my ($lapsed, $crashes, $start_at, $started) = (0, 0, 0, 0);
my ($input, @ended) = ('');
my ($user_before, $system_before) = (0, 0);

pipe(my $wake_reader, my $wake_writer) or die "survivor: pipe: $!\n";
for my $end ($wake_reader, $wake_writer) { fcntl($end, F_SETFL, O_NONBLOCK); fcntl($end, F_SETFD, FD_CLOEXEC) }
$SIG{CHLD} = sub { syswrite $wake_writer, '.' };
$SIG{PIPE} = 'IGNORE';
for my $name (qw(TERM INT)) {
    $SIG{$name} = sub { $stopping = 1; kill $name, $agent if $agent; syswrite $wake_writer, '.' };
}

sub uptime { open my $file, '<', '/proc/uptime' or return 0; (split ' ', <$file>)[0] }

sub say_agent { defined $to_agent and syswrite $to_agent, "$_[0]\n" }

sub start_agent {
    pipe(my $child_reader, my $parent_writer) or die "survivor: pipe: $!\n";
    pipe(my $parent_reader, my $child_writer) or die "survivor: pipe: $!\n";
    my $pid = fork();
    die "survivor: fork: $!\n" unless defined $pid;
    if ($pid == 0) {
        $SIG{$_} = 'DEFAULT' for qw(CHLD PIPE TERM INT);
        # Away from 3 and 4 first: either may be one of those.
        my @kept = map { fcntl($_, F_DUPFD, 10) } $child_reader, $child_writer;
        POSIX::dup2($kept[0], 3); POSIX::dup2($kept[1], 4);
        POSIX::close($_) for 5 .. 63;
        $ENV{BATCHYARD_SURVIVOR} = '3,4';
        my @arguments = defined $root ? (@command, '--root', $root) : @command;
        exec { $arguments[0] } @arguments or POSIX::_exit(1);
    }
    for my $end ($parent_writer, $parent_reader) { fcntl($end, F_SETFD, FD_CLOEXEC) }
    fcntl($_, F_SETFL, O_NONBLOCK | (fcntl($_, F_GETFL, 0) || 0)) for $parent_reader, $parent_writer;
    ($agent, $to_agent, $from_agent, $input, $started) = ($pid, $parent_writer, $parent_reader, '', uptime());
    say_agent("lease $lease") if defined $lease;
    say_agent('lapsed') if $lapsed;
    say_agent("ended $_") for @ended;
    say_agent('ready');
    $lapsed = 0;
}

sub read_agent {
    my $bytes = sysread $from_agent, $input, 4096, length $input;
    while ($input =~ s/^([^\n]*)\n//) {
        my $line = $1;
        if ($line =~ /^lease ([\d.]+)$/) { $lease = $1 }
        elsif ($line eq 'lease none') { undef $lease }
        elsif ($line =~ /^root (\/.*)$/) { $root = $1 }
    }
    undef $from_agent if defined $bytes && $bytes == 0;
}

sub reap {
    while ((my $pid = waitpid(-1, WNOHANG)) > 0) {
        my $status = $?;
        my (undef, undef, $user, $system) = times;
        my ($user_ms, $system_ms) = map { int($_ * 1000) } $user - $user_before, $system - $system_before;
        ($user_before, $system_before) = ($user, $system);
        if ($pid == $agent) { agent_ended($status); next }
        my $line = join ' ', $pid, $status, uptime(), $user_ms, $system_ms;
        push @ended, $line;
        shift @ended if @ended > $ENDED_MAX;
        say_agent("ended $line");
    }
}

sub agent_ended {
    my ($status) = @_;
    read_agent() if defined $from_agent;
    ($agent, $to_agent, $from_agent) = (0, undef, undef);
    if ($stopping || WIFEXITED($status) && WEXITSTATUS($status) <= 1) {
        exit(WIFEXITED($status) ? WEXITSTATUS($status) : 1);
    }
    $crashes = 0 if uptime() - $started > $CALM;
    my $pause = 0.05 * 2**$crashes++;
    $start_at = uptime() + ($pause < $PAUSE_MAX ? $pause : $PAUSE_MAX);
    print STDERR "survivor: the agent crashed (status $status) and is started again\n";
}

# Every process below this one, however deep.
sub descendants {
    my (%children, @found);
    opendir my $proc, '/proc' or return;
    for my $pid (grep { /^\d+$/ } readdir $proc) {
        open my $file, '<', "/proc/$pid/stat" or next;
        my $stat = <$file>;
        next unless defined $stat && $stat =~ /^.*\) (\S) (\d+)/s;
        push @{ $children{$2} }, $pid unless $1 eq 'Z';
    }
    my @open = ($$);
    while (defined(my $parent = shift @open)) {
        my @next = @{ $children{$parent} || [] };
        push @found, @next;
        push @open, @next;
    }
    return @found;
}

# Those that are no descendants, as in containers, but were started for the node.
sub marked {
    return unless defined $root;
    my @found;
    for my $path (glob '/proc/[0-9]*/environ') {
        my ($pid) = $path =~ m{(\d+)};
        next if $pid == $$;
        open my $file, '<', $path or next;
        local $/;
        my $environment = <$file>;
        push @found, $pid if defined $environment && index("\0$environment", "\0AZ_BATCH_NODE_ROOT_DIR=$root\0") >= 0;
    }
    return @found;
}

sub kill_all {
    print STDERR "survivor: the lease is over and nobody has put it off: everything of the node is killed\n";
    ($lapsed, $lease) = (1, undef);
    # What forks as fast as it is killed gets so many rounds.
    for (1 .. 50) { my @left = (descendants(), marked()) or last; kill 'KILL', @left }
}

start_agent();
for (;;) {
    reap();
    exit 0 if $stopping && !$agent;
    kill_all() if defined $lease && uptime() >= $lease;
    start_agent() if !$agent && uptime() >= $start_at;
    my $wait = defined $lease ? $lease - uptime() : 3600;
    $wait = $start_at - uptime() if !$agent && $start_at - uptime() < $wait;
    my $watched = '';
    vec($watched, fileno $wake_reader, 1) = 1;
    vec($watched, fileno $from_agent, 1) = 1 if defined $from_agent;
    select $watched, undef, undef, $wait > 0.005 ? $wait : 0.005;
    1 while sysread $wake_reader, my $drained, 512;
    read_agent() if defined $from_agent;
}
