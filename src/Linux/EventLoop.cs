using System.Diagnostics.CodeAnalysis;
using Lamina.Linux.Native;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <summary>What to wait for on a file descriptor (the bits of epoll_ctl(2)).</summary>
[Flags]
internal enum Readiness : uint
{
    Read = 0x1,
    Write = 0x4,
}

/// <summary>
/// One thread that sleeps in epoll_wait for every descriptor this process waits on: timers, ends of processes, pipes of children.
/// A descriptor has at most one waiter at a time.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The one instance lives as long as the process")]
internal sealed class EventLoop
{
    private const int Add = 1;
    private const int Delete = 2;
    private const uint OneShot = 1u << 30;

    private readonly Lock gate = new();
    private readonly Dictionary<ulong, EventWaiter> waiters = [];
    private readonly SafeFileHandle epoll;
    private ulong lastId;

    private EventLoop()
    {
        var number = Libc.epoll_create1(Libc.OpenCloseOnExec);
        if (number < 0) throw LinuxException.Last("create an epoll instance");
        epoll = new(number, ownsHandle: true);
        new Thread(Run, maxStackSize: 256 * 1024) { IsBackground = true, Name = "lamina-epoll" }.Start();
    }

    public static EventLoop Shared { get; } = new();

    /// <summary>Ends when the descriptor is ready or its peer is gone; it stays open meanwhile, even if the caller disposes it.</summary>
    public Task WaitAsync(SafeFileHandle descriptor, Readiness readiness, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var waiter = new EventWaiter(descriptor);
        lock (gate)
        {
            var id = ++lastId;
            var change = new Libc.EpollEvent { Events = (uint)readiness | OneShot, Data = id };
            if (Libc.epoll_ctl(epoll, Add, waiter.Number, ref change) != 0)
            {
                waiter.Release();
                throw LinuxException.Last("wait for a descriptor");
            }

            waiters.Add(id, waiter);
            if (cancellation.CanBeCanceled)
                waiter.Cancellation = cancellation.UnsafeRegister((_, token) => Forget(id)?.Completion.TrySetCanceled(token), null);
        }

        return waiter.Completion.Task;
    }

    /// <summary>Takes a waiter out, or null when another thread was first.</summary>
    private EventWaiter? Forget(ulong id)
    {
        lock (gate)
        {
            if (!waiters.Remove(id, out var waiter)) return null;
            var unused = default(Libc.EpollEvent);
            _ = Libc.epoll_ctl(epoll, Delete, waiter.Number, ref unused);
            waiter.Release();
            return waiter;
        }
    }

    private unsafe void Run()
    {
        const int capacity = 64;
        var events = stackalloc Libc.EpollEvent[capacity];
        while (true)
        {
            var count = Libc.epoll_wait(epoll, events, capacity, -1);
            for (var i = 0; i < count; i++)
            {
                var waiter = Forget(events[i].Data);
                waiter?.Completion.TrySetResult();
                waiter?.Cancellation.Unregister();
            }
        }
    }
}
