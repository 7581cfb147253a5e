using System.Net.Sockets;
using System.Runtime.InteropServices;
using Lamina.Linux;
using Lamina.Linux.Files;
using Lamina.Linux.Network;
using Lamina.Linux.Processes;

namespace Lamina.Engine.Qemu;

/// <summary>
/// The files of one QEMU, opened by root and handed over as numbers. Closed here as soon as QEMU has its copies: a disk's lock lives as
/// long as any copy does (D9).
/// </summary>
internal sealed class QemuOpenFiles : IDisposable
{
    private readonly List<ChildFile> _files = [];
    private readonly List<IDisposable> _owned = [];

    private QemuOpenFiles()
    {
    }

    public IReadOnlyList<ChildFile> Files => _files;

    /// <param name="files">What to open.</param>
    /// <param name="folder">Where sockets are made.</param>
    /// <param name="lines">Lines that are open already, by their role; they stay the caller's.</param>
    /// <exception cref="VmEngineException">One cannot be opened; all others are closed again.</exception>
    public static QemuOpenFiles Open(QemuFiles files, RuntimeFolder folder, IReadOnlyDictionary<string, SafeHandle> lines)
    {
        var opened = new QemuOpenFiles();
        try
        {
            foreach (var file in files.All)
            {
                var handle = file.Kind == QemuFileKind.Line ? lines[file.Role] : opened.OpenOne(file, folder);
                opened._files.Add(new ChildFile(handle, file.Number));
            }
            return opened;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <summary>A file for a QEMU that runs already.</summary>
    /// <exception cref="VmEngineException">It cannot be opened.</exception>
    public static SafeHandle OpenOne(BlockNode node) =>
        OpenPlain(new QemuFile(Number: 0, node.Role, QemuFileKind.Image, node.Path, node.ReadOnly, node.DirectIo));

    /// <summary>A tap for a QEMU that runs already.</summary>
    /// <exception cref="VmEngineException">It cannot be had.</exception>
    public static SafeHandle OpenTap(string name, string role) =>
        OpenPlain(new QemuFile(Number: 0, role, QemuFileKind.Tap, name, ReadOnly: false, DirectIo: false));

    public void Dispose()
    {
        foreach (var owned in _owned) owned.Dispose();
    }

    private SafeHandle OpenOne(QemuFile file, RuntimeFolder folder) => file.Kind switch
    {
        QemuFileKind.Socket => OpenSocket(file, folder),
        _ => Own(OpenPlain(file)),
    };

    private static SafeHandle OpenPlain(QemuFile file)
    {
        try
        {
            return file.Kind switch
            {
                QemuFileKind.Memory => OpenMemory(file),
                QemuFileKind.Tap => TapDevice.Open(file.Source),
                _ => ImageFile.Open(file.Source, file.ReadOnly),
            };
        }
        catch (LinuxException exception) when (file.Kind is QemuFileKind.Tap)
        {
            throw new VmEngineException(VmEngineFailure.HostResource, $"The tap {file.Source} of {file.Role} cannot be had: {exception.Message}",
                "See with `lamina doctor` whether /dev/net/tun is usable and no other process holds the tap.", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new VmEngineException(VmEngineFailure.FileUnusable, $"The file {file.Source} of {file.Role} cannot be opened: {exception.Message}",
                "Check that the file is there and its pool is mounted.", exception);
        }
    }

    private SafeSocketHandle OpenSocket(QemuFile file, RuntimeFolder folder)
    {
        try
        {
            var socket = folder.Listen(file.Role);
            _owned.Add(socket);
            return socket.SafeHandle;
        }
        catch (Exception exception) when (exception is IOException or SocketException)
        {
            throw new VmEngineException(VmEngineFailure.HostResource, $"{folder.SocketPath(file.Role)} cannot be made: {exception.Message}",
                "Check that the runtime folder's file system is writable.", exception);
        }
    }

    private static SafeHandle OpenMemory(QemuFile file)
    {
        using var source = ImageFile.Open(file.Source, readOnly: true);
        return Memfd.CreateSealed(file.Role, source);
    }

    private T Own<T>(T handle)
        where T : SafeHandle
    {
        _owned.Add(handle);
        return handle;
    }
}
