using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Files;

/// <summary>Sends and receives open files over unix sockets (SCM_RIGHTS, unix(7)).</summary>
public static class FdPassing
{
    /// <summary>Sends bytes, the files with the first of them. The files stay the caller's and may be closed afterwards.</summary>
    public static Task SendAsync(
        Socket socket, ReadOnlyMemory<byte> bytes, IReadOnlyList<SafeHandle> files, CancellationToken cancellation) =>
        throw new NotImplementedException();

    /// <summary>Receives what one message brings.</summary>
    /// <returns>The count of bytes (0: the peer closed) and the files, which are the caller's.</returns>
    public static Task<(int Count, IReadOnlyList<SafeFileHandle> Files)> ReceiveAsync(
        Socket socket, Memory<byte> buffer, CancellationToken cancellation) =>
        throw new NotImplementedException();

    /// <summary>Two connected stream sockets, close-on-exec: one for us, one for a child or a peer.</summary>
    public static (SafeSocketHandle Ours, SafeSocketHandle Theirs) CreatePair() => throw new NotImplementedException();
}
