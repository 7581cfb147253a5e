using System.Runtime.InteropServices;
using Lamina.Linux.Files;
using Lamina.Linux.Native;

namespace Lamina.Linux.Processes;

/// <summary>The descriptors of a child: what it gets under 0, 1, 2 and its other numbers. Everything else is closed in it.</summary>
internal sealed record SpawnFiles(SafeHandle Input, SafeHandle Output, SafeHandle Error, IReadOnlyList<ChildFile> Others);

/// <summary>posix_spawn(3): glibc's vfork and exec, the only safe way to start a program from a process with many threads.</summary>
internal static unsafe class PosixSpawn
{
    /// <summary>More than any glibc needs for its opaque structures (80 and 336 bytes on x86-64).</summary>
    private const int StructureBytes = 512;
    private const int SignalSetBytes = 128;
    private const short SetProcessGroup = 0x02;
    private const short SetSignalDefault = 0x04;
    private const short SetSignalMask = 0x08;
    private const short SetSession = 0x80;

    /// <returns>The pid of the child, which runs its program already.</returns>
    /// <exception cref="LinuxException">The program, or its folder, could not be entered.</exception>
    public static int Start(IReadOnlyList<string> command, ChildSpec spec, SpawnFiles files)
    {
        using var argv = new NativeStrings(command);
        using var environment = new NativeStrings([.. spec.Environment.Select(variable => $"{variable.Key}={variable.Value}")]);
        using var folder = new NativeStrings([spec.WorkingDirectory]);
        using var lifted = new LiftedFiles(files);
        var actions = stackalloc byte[StructureBytes];
        var attributes = stackalloc byte[StructureBytes];
        Require(Libc.posix_spawn_file_actions_init(actions));
        Require(Libc.posix_spawnattr_init(attributes));
        try
        {
            AddFiles(actions, lifted);
            Require(Libc.posix_spawn_file_actions_addchdir_np(actions, folder.Pointer[0]));
            AddAttributes(attributes, spec.NewSession);
            var errorNumber = Libc.posix_spawn(out var processId, argv.Pointer[0], actions, attributes, argv.Pointer, environment.Pointer);
            return errorNumber == 0 ? processId : throw new LinuxException($"start {command[0]} in {spec.WorkingDirectory}", errorNumber);
        }
        finally
        {
            _ = Libc.posix_spawn_file_actions_destroy(actions);
            _ = Libc.posix_spawnattr_destroy(attributes);
        }
    }

    private static void AddFiles(byte* actions, LiftedFiles files)
    {
        var highest = 2;
        foreach (var (source, target) in files.Numbers)
        {
            Require(Libc.posix_spawn_file_actions_adddup2(actions, source, target));
            highest = Math.Max(highest, target);
        }

        var given = files.Numbers.Select(file => file.Target).ToHashSet();
        for (var number = 0; number < highest; number++)
            if (!given.Contains(number))
                Require(Libc.posix_spawn_file_actions_addclose(actions, number));
        Require(Libc.posix_spawn_file_actions_addclosefrom_np(actions, highest + 1));
    }

    /// <summary>The runtime ignores SIGPIPE and blocks nothing; a child must find every signal at its default.</summary>
    private static void AddAttributes(byte* attributes, bool newSession)
    {
        var signals = stackalloc byte[SignalSetBytes];
        Require(Libc.sigfillset(signals));
        Require(Libc.posix_spawnattr_setsigdefault(attributes, signals));
        Require(Libc.sigemptyset(signals));
        Require(Libc.posix_spawnattr_setsigmask(attributes, signals));
        Require(Libc.posix_spawnattr_setpgroup(attributes, 0));
        Require(Libc.posix_spawnattr_setflags(attributes, (short)(SetSignalDefault | SetSignalMask | (newSession ? SetSession : SetProcessGroup))));
    }

    /// <summary>These calls return the error instead of leaving it in errno; memory is the only thing that they can lack.</summary>
    private static void Require(int errorNumber)
    {
        if (errorNumber != 0) throw new LinuxException("prepare the start of a program", errorNumber);
    }
}
