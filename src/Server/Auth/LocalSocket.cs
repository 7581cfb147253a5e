using System.Net.Sockets;
using System.Runtime.InteropServices;
using Lamina.Linux.Files;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Lamina.Server.Auth;

/// <summary>The process at the other end of the local socket, as the kernel vouches for it.</summary>
internal sealed record LocalPeer(uint Uid);

/// <summary>
/// The local socket: whoever may connect to it is root or in the group <c>lamina</c> (the file's mode 0660 says so, the kernel enforces it), and is
/// an administrator (decision 23). Each connection is marked with its peer's uid for the audit.
/// </summary>
internal static class LocalSocket
{
    public const string Group = "lamina";

    private const int SocketLevel = 1; // SOL_SOCKET
    private const int PeerCredentials = 17; // SO_PEERCRED, unix(7): struct ucred { pid, uid, gid }
    private const UnixFileMode RootOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode WithGroup = RootOnly | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    /// <summary>Listens at the path. A socket file left by a dead daemon is removed: the instance's lock tells that it is dead.</summary>
    public static void Listen(KestrelServerOptions kestrel, string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.Delete(path);
        kestrel.ListenUnixSocket(path, listen => listen.Use(next => connection =>
        {
            connection.Features.Set(PeerOf(connection));
            return next(connection);
        }));
    }

    /// <summary>
    /// Opens the socket to the group, once the server listens. Until then its mode is what the umask left: never writable by others, so nobody
    /// but root can connect too early.
    /// </summary>
    /// <returns>Whether the group exists.</returns>
    public static bool Admit(string path) => Admit(path, FindGroup());

    /// <summary>Whether the group exists on this machine.</summary>
    public static bool HasGroup() => FindGroup() is not null;

    internal static bool Admit(string path, uint? group)
    {
        if (group is { } id) Ownership.Change(path, 0, id);
        File.SetUnixFileMode(path, group is null ? RootOnly : WithGroup);
        return group is not null;
    }

    private static uint? FindGroup() => FindGroup(Group, File.ReadLines("/etc/group"));

    /// <summary>The id of a group in group(5) lines: <c>name:password:id:members</c>.</summary>
    internal static uint? FindGroup(string name, IEnumerable<string> lines) => lines
        .Select(line => line.Split(':'))
        .Where(parts => parts.Length >= 3 && parts[0] == name)
        .Select(parts => uint.TryParse(parts[2], out uint id) ? id : (uint?)null)
        .FirstOrDefault();

    /// <summary>Null when the kernel does not say who it is: the connection is then nobody's.</summary>
    private static LocalPeer? PeerOf(ConnectionContext connection)
    {
        if (connection.Features.Get<IConnectionSocketFeature>()?.Socket is not { } socket) return null;
        Span<uint> credentials = stackalloc uint[3];
        int read = socket.GetRawSocketOption(SocketLevel, PeerCredentials, MemoryMarshal.AsBytes(credentials));
        return read == 3 * sizeof(uint) ? new LocalPeer(credentials[1]) : null;
    }
}
