using System.Net.Sockets;
using System.Runtime.InteropServices;
using Lamina.Linux.Native;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Files;

/// <summary>Sends and receives open files over unix stream sockets (SCM_RIGHTS, unix(7)).</summary>
public static class FdPassing
{
    /// <summary>The kernel's limit for one message (SCM_MAX_FD).</summary>
    private const int MaxFiles = 253;
    private const int HeaderBytes = 16;
    private const int LevelSocket = 1;
    private const int Rights = 1;
    private const int DontWait = 0x40;
    private const int NoSignal = 0x4000;
    private const int ReceiveCloseOnExec = 0x40000000;
    private const int ControlTruncated = 0x8;

    /// <summary>Sends bytes, the files with the first of them. The files stay the caller's and may be closed afterwards.</summary>
    /// <exception cref="LinuxException">EPIPE…: the peer is gone.</exception>
    public static async Task SendAsync(
        Socket socket, ReadOnlyMemory<byte> bytes, IReadOnlyList<SafeHandle> files, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfZero(bytes.Length); // files travel with a byte
        ArgumentOutOfRangeException.ThrowIfGreaterThan(files.Count, MaxFiles);
        while (bytes.Length > 0)
        {
            var sent = Send(socket.SafeHandle, bytes.Span, files);
            if (sent < 0)
            {
                await WaitAsync(socket.SafeHandle, Readiness.Write, cancellation).ConfigureAwait(false);
                continue;
            }

            bytes = bytes[sent..];
            files = [];
        }
    }

    /// <summary>Receives what is there, at least a byte.</summary>
    /// <returns>The count of bytes (0: the peer closed) and the files that came with them, which are the caller's.</returns>
    public static async Task<(int Count, IReadOnlyList<SafeFileHandle> Files)> ReceiveAsync(
        Socket socket, Memory<byte> buffer, CancellationToken cancellation)
    {
        while (true)
        {
            var count = Receive(socket.SafeHandle, buffer.Span, out var files);
            if (count >= 0) return (count, files);
            await WaitAsync(socket.SafeHandle, Readiness.Read, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Two connected stream sockets, close-on-exec: one for us, one for a child or a peer.</summary>
    public static unsafe (SafeSocketHandle Ours, SafeSocketHandle Theirs) CreatePair()
    {
        var numbers = stackalloc int[2];
        if (Libc.socketpair(Libc.FamilyUnix, Libc.SocketStream | Libc.SocketCloseOnExec, 0, numbers) != 0)
            throw LinuxException.Last("create a pair of sockets");
        return (new(numbers[0], ownsHandle: true), new(numbers[1], ownsHandle: true));
    }

    /// <summary>A duplicate is waited on: the runtime has the socket itself in an epoll set of its own.</summary>
    private static async Task WaitAsync(SafeSocketHandle socket, Readiness readiness, CancellationToken cancellation)
    {
        using var duplicate = Duplicate.Of(socket);
        await EventLoop.Shared.WaitAsync(duplicate, readiness, cancellation).ConfigureAwait(false);
    }

    /// <returns>The count of bytes sent, or -1 when the socket is full.</returns>
    private static unsafe int Send(SafeSocketHandle socket, ReadOnlySpan<byte> bytes, IReadOnlyList<SafeHandle> files)
    {
        var controlLength = files.Count == 0 ? 0 : AlignedLength(files.Count);
        var control = stackalloc byte[controlLength];
        using var held = new HeldHandles(files);
        if (files.Count > 0)
        {
            *(ulong*)control = (ulong)(HeaderBytes + (files.Count * sizeof(int)));
            *(int*)(control + 8) = LevelSocket;
            *(int*)(control + 12) = Rights;
            for (var i = 0; i < files.Count; i++) ((int*)(control + HeaderBytes))[i] = held.Numbers[i];
        }

        fixed (byte* start = bytes)
        {
            var vector = new Libc.IoVector { Base = start, Length = (nuint)bytes.Length };
            var message = new Libc.MessageHeader
            {
                Vectors = &vector, VectorCount = 1, Control = controlLength == 0 ? null : control, ControlLength = (nuint)controlLength,
            };
            while (true)
            {
                var sent = Libc.sendmsg(socket, message, DontWait | NoSignal);
                if (sent >= 0) return (int)sent;
                var errorNumber = Marshal.GetLastPInvokeError();
                if (errorNumber == Errno.TryAgain) return -1;
                if (errorNumber != Errno.Interrupted) throw new LinuxException("send over a unix socket", errorNumber);
            }
        }
    }

    /// <returns>The count of bytes received, or -1 when nothing is there yet.</returns>
    private static unsafe int Receive(SafeSocketHandle socket, Span<byte> buffer, out IReadOnlyList<SafeFileHandle> files)
    {
        var controlLength = AlignedLength(MaxFiles);
        var control = stackalloc byte[controlLength];
        fixed (byte* start = buffer)
        {
            while (true)
            {
                var vector = new Libc.IoVector { Base = start, Length = (nuint)buffer.Length };
                var message = new Libc.MessageHeader
                {
                    Vectors = &vector, VectorCount = 1, Control = control, ControlLength = (nuint)controlLength,
                };
                var received = Libc.recvmsg(socket, ref message, DontWait | ReceiveCloseOnExec);
                var errorNumber = received < 0 ? Marshal.GetLastPInvokeError() : 0;
                if (errorNumber == Errno.Interrupted) continue;
                files = received < 0 ? [] : TakeFiles(control, (int)message.ControlLength);
                if (errorNumber == Errno.TryAgain) return -1;
                if (received < 0) throw new LinuxException("receive from a unix socket", errorNumber);
                if ((message.Flags & ControlTruncated) == 0) return (int)received;
                foreach (var file in files) file.Dispose();
                throw new LinuxException("receive open files", Errno.Invalid, "more came than one message may carry");
            }
        }
    }

    private static unsafe List<SafeFileHandle> TakeFiles(byte* control, int length)
    {
        var files = new List<SafeFileHandle>();
        for (var at = 0; at + HeaderBytes <= length;)
        {
            var size = (int)*(ulong*)(control + at);
            if (size < HeaderBytes || at + size > length) break;
            if (*(int*)(control + at + 8) == LevelSocket && *(int*)(control + at + 12) == Rights)
                for (var i = HeaderBytes; i + sizeof(int) <= size; i += sizeof(int))
                    files.Add(new(*(int*)(control + at + i), ownsHandle: true));
            at += (size + 7) & ~7;
        }

        return files;
    }

    private static int AlignedLength(int files) => (HeaderBytes + (files * sizeof(int)) + 7) & ~7;
}
