using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Lamina.Linux.Network;
using Lamina.Testing;
using Lamina.Testing.Bed;

namespace Lamina.Bench.Migration;

/// <summary>Hears the guests' ticks on the network between the hosts, outside of the product and of everything that it is compared with.</summary>
internal sealed class Ticks : IDisposable
{
    public const string Address = "10.91.0.200";
    public const int Port = 9000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private readonly NetworkNamespace _network = new();
    private readonly Socket _socket;
    private readonly Thread _listener;
    private readonly Lock _lock = new();
    private readonly Dictionary<uint, Heard> _heard = [];

    public Ticks(ClusterBed bed)
    {
        bed.Plug(_network, BedHost.Link);
        _socket = _network.Run(() =>
        {
            using var netlink = new Netlink();
            netlink.AddAddress(BedHost.Link, IPAddress.Parse(Address), 24);
            netlink.Change(BedHost.Link, new LinkChange { Up = true });
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            socket.Bind(new IPEndPoint(IPAddress.Any, Port));
            return socket;
        });
        _listener = new Thread(Listen) { IsBackground = true, Name = "ticks" };
        _listener.Start();
    }

    /// <summary>The words of the guest's program.</summary>
    /// <param name="number">Tells guests apart.</param>
    /// <param name="guest">What it does.</param>
    public static string Script(int number, GuestWork guest) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"ticker {Address} {Port} {number} {guest.PeriodMs * 1000} {guest.FilledMiB} {guest.DirtyMiB} {guest.DirtyMiBPerSecond}");

    /// <summary>Begins to measure the spaces between this guest's ticks.</summary>
    public void Begin(int number)
    {
        lock (_lock) Of(number).Longest = 0;
    }

    /// <summary>Milliseconds of the longest space between two ticks since <see cref="Begin"/>.</summary>
    public double End(int number)
    {
        lock (_lock) return Math.Max(Of(number).Longest, Run.Since(Of(number).Last));
    }

    public long Count(int number)
    {
        lock (_lock) return Of(number).Count;
    }

    /// <summary>Waits until the guest has ticked so often more.</summary>
    public async Task HearAsync(int number, int more)
    {
        long wanted = Count(number) + more;
        using var deadline = new CancellationTokenSource(Patience);
        while (Count(number) < wanted)
        {
            if (deadline.IsCancellationRequested) throw new InvalidOperationException($"guest {number} was not heard for {Patience.TotalSeconds} s");
            await Task.Delay(Pause, CancellationToken.None);
        }
    }

    public void Dispose()
    {
        _socket.Dispose();
        _listener.Join();
        _network.Dispose();
    }

    private Heard Of(int number)
    {
        if (!_heard.TryGetValue((uint)number, out var heard)) _heard[(uint)number] = heard = new Heard();
        return heard;
    }

    private void Listen()
    {
        byte[] message = new byte[64];
        try
        {
            while (true)
            {
                int length = _socket.Receive(message);
                long now = TimeProvider.System.GetTimestamp();
                if (length == 8) Take((int)BinaryPrimitives.ReadUInt32LittleEndian(message), now);
            }
        }
        catch (Exception closed) when (closed is SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }

    private void Take(int number, long now)
    {
        lock (_lock)
        {
            var heard = Of(number);
            if (heard.Count > 0) heard.Longest = Math.Max(heard.Longest, TimeProvider.System.GetElapsedTime(heard.Last, now).TotalMilliseconds);
            heard.Last = now;
            heard.Count++;
        }
    }

    private sealed class Heard
    {
        public long Last { get; set; }

        public long Count { get; set; }

        public double Longest { get; set; }
    }
}

/// <summary>What a guest does while it is moved.</summary>
/// <param name="MemoryMiB">It has.</param>
/// <param name="FilledMiB">Of it with random content.</param>
/// <param name="DirtyMiB">Of that written anew, in a circle.</param>
/// <param name="DirtyMiBPerSecond">How fast; may be a fraction.</param>
internal sealed record GuestWork(int MemoryMiB, int FilledMiB, int DirtyMiB, double DirtyMiBPerSecond)
{
    /// <summary>Between two of its ticks.</summary>
    public int PeriodMs { get; init; } = 5;
}
