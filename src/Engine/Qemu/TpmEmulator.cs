using System.Buffers.Binary;
using System.Net.Sockets;
using Lamina.Linux;
using Lamina.Linux.Files;
using Lamina.Linux.Processes;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Engine.Qemu;

/// <summary>
/// A VM's TPM 2.0: swtpm in the VM's cgroup, as the VM's uid, without a capability, under its own seccomp profile. It has no socket in any folder and
/// knows no path: its state folder, its key and its one line come as open files. It ends with the line, which QEMU holds; whatever is left of it
/// ends with the cgroup. Sources: swtpm(8), swtpm_ioctls(3).
/// </summary>
internal static class TpmEmulator
{
    public const int KeyBytes = 32;

    private const int ControlNumber = 3;
    private const int FolderNumber = 4;
    private const int KeyNumber = 5;

    /// <summary>PTM_GET_CAPABILITY: a command without arguments, answered by 8 bytes.</summary>
    private const uint GetCapability = 1;
    private const int CapabilityBytes = 8;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>The arguments after the program's name.</summary>
    public static IReadOnlyList<string> Arguments =>
    [
        "socket", "--tpm2", "--ctrl", $"type=unixio,clientfd={ControlNumber}", "--tpmstate", $"dir=/proc/self/fd/{FolderNumber},mode=0600",
        "--key", $"fd={KeyNumber},mode=aes-256-cbc,format=binary", "--seccomp", "action=kill", "--terminate",
    ];

    /// <summary>Starts it; when this returns, it answers.</summary>
    /// <param name="vm">With a TPM.</param>
    /// <param name="key">Of its state.</param>
    /// <param name="program">swtpm's path; null: it is not installed.</param>
    /// <param name="placement">The VM's cgroup.</param>
    /// <param name="stderr">Where its words go.</param>
    /// <param name="readWords">Reads them.</param>
    /// <param name="cancellationToken">Ends the wait; the process is ended with its cgroup.</param>
    /// <returns>The line for QEMU.</returns>
    /// <exception cref="VmEngineException">It is not installed, its state cannot be used, or it does not start.</exception>
    public static async Task<Socket> StartAsync(VmDefinition vm, ReadOnlyMemory<byte> key, string? program, CgroupPlacement placement,
        SafeFileHandle stderr, Func<string> readWords, CancellationToken cancellationToken)
    {
        var tpm = vm.Tpm!;
        if (program == null)
            throw new VmEngineException(VmEngineFailure.EngineMissing, $"VM {vm.Name} has a TPM, and the program swtpm is not installed.",
                "Install it: `apt-get install swtpm`.");
        if (key.Length != KeyBytes)
            throw new VmEngineException(VmEngineFailure.BadDefinition, $"The TPM of VM {vm.Name} has no key of {KeyBytes} bytes.", "This is a bug: report it.");
        using var folder = GiveState(vm, tpm);
        var (ours, theirs) = FdPassing.CreatePair();
        var line = new Socket(ours);
        try
        {
            using (theirs) Spawn(vm, program, key, folder, theirs, placement, stderr);
            await AwaitAnswerAsync(line, cancellationToken);
            return line;
        }
        catch (Exception exception) when (exception is IOException or TimeoutException)
        {
            line.Dispose();
            throw new VmEngineException(VmEngineFailure.StartFailed, $"The TPM of VM {vm.Name} does not answer: {readWords()}",
                "Read swtpm's words; `lamina doctor` checks the installation.", exception);
        }
        catch
        {
            line.Dispose();
            throw;
        }
    }

    private static SafeFileHandle GiveState(VmDefinition vm, TpmDefinition tpm)
    {
        try
        {
            var folder = OwnedFolder.Give(tpm.StateFolder, (uint)vm.Uid, (uint)vm.Gid);
            CrashPoints.Reached("tpm", "state", "after");
            return folder;
        }
        catch (LinuxException exception)
        {
            throw new VmEngineException(VmEngineFailure.FileUnusable, $"The TPM state of VM {vm.Name} cannot be used: {exception.Message}",
                "Look into the folder: it holds plain files only. Restore it from a backup.", exception);
        }
    }

    private static void Spawn(VmDefinition vm, string program, ReadOnlyMemory<byte> secret, SafeFileHandle folder, SafeSocketHandle line,
        CgroupPlacement placement, SafeFileHandle stderr)
    {
        // In memory only, and gone with swtpm's copy of it.
        using var key = Memfd.CreateSealed("tpm-key", secret.Span);
        try
        {
            using var process = ChildProcess.Spawn(new ChildSpec
            {
                Program = program,
                Arguments = Arguments,
                Files = [new ChildFile(line, ControlNumber), new ChildFile(folder, FolderNumber), new ChildFile(key, KeyNumber)],
                User = new ChildUser((uint)vm.Uid, (uint)vm.Gid),
                Cgroup = placement,
                Limits = new ChildLimits { CoreBytes = 0 },
                StandardError = ChildOutput.To(stderr),
            });
        }
        catch (LinuxException exception)
        {
            throw new VmEngineException(VmEngineFailure.EngineMissing, $"The TPM of VM {vm.Name} cannot be started: {exception.Message}",
                "Check with `lamina doctor` that swtpm is installed.", exception);
        }
    }

    // QEMU would ask the same; but once it has answered, swtpm stands in its cgroup, which QEMU is then put into.
    private static async Task AwaitAnswerAsync(Socket line, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(Patience, BootTimeProvider.Shared);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            await FdPassing.SendAsync(line, Question(), [], either.Token);
            var answer = new byte[CapabilityBytes];
            for (var come = 0; come < answer.Length;)
            {
                var (count, _) = await FdPassing.ReceiveAsync(line, answer.AsMemory(come), either.Token);
                if (count == 0) throw new EndOfStreamException("swtpm has ended");
                come += count;
            }
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"no answer within {Patience.TotalSeconds:0} s", exception);
        }
    }

    private static byte[] Question()
    {
        var question = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(question, GetCapability);
        return question;
    }
}
