using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Lamina.Linux.Native;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Network;

/// <summary>A conversation with rtnetlink: one request, all its answers. The kernel answers within the send, so nothing is waited for.</summary>
internal sealed unsafe class NetlinkSocket : IDisposable
{
    private const int Route = 0;
    private const int LevelNetlink = 270;
    private const int CapAcknowledge = 10;
    private const int ExtendedAcknowledge = 11;
    private const int StrictCheck = 12;
    private const int ErrorHeaderBytes = 4 + NetlinkMessage.HeaderBytes;
    private const ushort ErrorText = 1;
    private const int BufferBytes = 64 * 1024;
    private const int MaxDumps = 10;

    private readonly Lock gate = new();
    private readonly byte[] buffer = new byte[BufferBytes];
    private readonly SafeFileHandle socket;
    private uint sequence;

    public NetlinkSocket()
    {
        var number = Libc.socket(Libc.FamilyNetlink, Libc.SocketRaw | Libc.SocketCloseOnExec, Route);
        if (number < 0) throw LinuxException.Last("open a netlink socket");
        socket = new(number, ownsHandle: true);
        var address = new Libc.NetlinkAddress { Family = Libc.FamilyNetlink };
        if (Libc.bind(socket, address, sizeof(Libc.NetlinkAddress)) != 0) throw LinuxException.Last("bind a netlink socket");
        foreach (var option in new[] { CapAcknowledge, ExtendedAcknowledge, StrictCheck }) Enable(option);
    }

    /// <summary>Asks for a list. One that changed while the kernel wrote it is asked for again.</summary>
    public List<NetlinkAnswer> Dump(string action, NetlinkMessage request)
    {
        for (var attempt = 1; ; attempt++)
        {
            var answers = Request(action, request);
            if (attempt == MaxDumps || !answers.Exists(answer => answer.Flags.HasFlag(NetlinkFlags.DumpInterrupted))) return answers;
        }
    }

    /// <param name="action">For the error: "create the bridge lmabc".</param>
    /// <param name="request">With the flag Acknowledge or Dump, so that there is an end of the answers.</param>
    /// <exception cref="LinuxException">The kernel refused; its own words are in the message where it has any.</exception>
    public List<NetlinkAnswer> Request(string action, NetlinkMessage request)
    {
        lock (gate)
        {
            var number = ++sequence;
            Send(action, request.ToBytes(number));
            var answers = new List<NetlinkAnswer>();
            while (true)
            {
                foreach (var answer in NetlinkReader.ReadMessages(Receive(action)))
                {
                    if (answer.Sequence != number) continue;
                    if (answer.Type == NetlinkType.Done) return answers;
                    if (answer.Type != NetlinkType.Error)
                    {
                        answers.Add(answer);
                        continue;
                    }

                    ThrowIfError(action, answer);
                    return answers;
                }
            }
        }
    }

    public void Dispose() => socket.Dispose();

    private static void ThrowIfError(string action, NetlinkAnswer answer)
    {
        var errorNumber = -BinaryPrimitives.ReadInt32LittleEndian(answer.Body.Span);
        if (errorNumber == 0) return;
        var detail = answer.Flags.HasFlag(NetlinkFlags.HasAttributes)
            ? NetlinkReader.ReadAttributes(answer.Body[ErrorHeaderBytes..]).ReadText(ErrorText)
            : null;
        throw detail is null ? new LinuxException(action, errorNumber) : new LinuxException(action, errorNumber, detail);
    }

    private void Enable(int option)
    {
        var one = 1;
        if (Libc.setsockopt(socket, LevelNetlink, option, &one, sizeof(int)) != 0) throw LinuxException.Last("set a netlink option");
    }

    private void Send(string action, byte[] bytes)
    {
        fixed (byte* start = bytes)
            if (Libc.send(socket, start, (nuint)bytes.Length, 0) < 0)
                throw LinuxException.Last(action);
    }

    private byte[] Receive(string action)
    {
        fixed (byte* start = buffer)
        {
            nint count;
            do count = Libc.recv(socket, start, (nuint)buffer.Length, 0);
            while (count < 0 && Marshal.GetLastPInvokeError() == Errno.Interrupted);
            return count >= 0 ? buffer[..(int)count] : throw LinuxException.Last(action);
        }
    }
}
