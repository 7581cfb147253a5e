using System.Runtime.InteropServices;
using Lamina.Linux.Files;
using Lamina.Linux.Native;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Host;

/// <summary>
/// The smallest guest: one page of memory, one processor in real mode, four instructions that add two numbers, write the sum to a port and halt
/// (Documentation/virt/kvm/api.rst; numbers and offsets are those of x86-64).
/// </summary>
internal static unsafe class KvmGuest
{
    private const nuint GetApiVersion = 0xAE00;
    private const nuint CreateVm = 0xAE01;
    private const nuint GetRunSize = 0xAE04;
    private const nuint CreateProcessor = 0xAE41;
    private const nuint SetMemory = 0x4020AE46;
    private const nuint SetTaskStateAddress = 0xAE47;
    private const nuint RunProcessor = 0xAE80;
    private const nuint SetRegisters = 0x4090AE82;
    private const nuint GetSpecialRegisters = 0x8138AE83;
    private const nuint SetSpecialRegisters = 0x4138AE84;
    private const int ApiVersion = 12;
    private const int PageBytes = 4096;
    private const int CodeAddress = 0x1000;
    private const int Port = 0x10;
    private const uint ExitPort = 2;
    private const uint ExitHalt = 5;

    /// <summary>mov al, 40; add al, 2; out 0x10, al; hlt.</summary>
    private static ReadOnlySpan<byte> Code => [0xb0, 40, 0x04, 2, 0xe6, Port, 0xf4];

    private static byte ExpectedSum => 42;

    public static KvmTrial Try()
    {
        if (!File.Exists("/dev/kvm")) return new("/dev/kvm is not: load the kernel module kvm_intel or kvm_amd");
        try
        {
            using var kvm = Open();
            if (Libc.ioctl(kvm, GetApiVersion, 0) is not ApiVersion and var version) return new($"its version is {version} instead of {ApiVersion}");
            using var vm = Handle(Libc.ioctl(kvm, CreateVm, 0), "create a virtual machine");
            _ = Libc.ioctl(vm, SetTaskStateAddress, unchecked((nint)0xfffbd000)); // older Intel processors need it for real mode; the others ignore it
            return RunIn(kvm, vm);
        }
        catch (LinuxException error)
        {
            return new(error.Message);
        }
    }

    private static KvmTrial RunIn(SafeFileHandle kvm, SafeFileHandle vm)
    {
        var memory = (byte*)NativeMemory.AlignedAlloc(PageBytes, PageBytes);
        try
        {
            new Span<byte>(memory, PageBytes).Clear();
            Code.CopyTo(new(memory, PageBytes));

            // struct kvm_userspace_memory_region: slot, flags, guest address, size, address here.
            var region = stackalloc ulong[] { 0, CodeAddress, PageBytes, (ulong)memory };
            Check(Libc.ioctl(vm, SetMemory, region), "give memory to a virtual machine");
            using var processor = Handle(Libc.ioctl(vm, CreateProcessor, 0), "create a virtual processor");
            PrepareRegisters(processor);
            return Run(processor, (nuint)Check(Libc.ioctl(kvm, GetRunSize, 0), "read the size of a virtual processor"));
        }
        finally
        {
            NativeMemory.AlignedFree(memory);
        }
    }

    private static void PrepareRegisters(SafeFileHandle processor)
    {
        var special = stackalloc byte[312]; // struct kvm_sregs begins with cs: base (8 bytes), limit (4), selector (2)
        Check(Libc.ioctl(processor, GetSpecialRegisters, special), "read the registers of a virtual processor");
        *(ulong*)special = 0;
        *(ushort*)(special + 12) = 0;
        Check(Libc.ioctl(processor, SetSpecialRegisters, special), "set the registers of a virtual processor");
        var general = stackalloc ulong[18]; // struct kvm_regs: rip is the 17th, rflags the 18th, whose bit 1 is always set
        new Span<ulong>(general, 18).Clear();
        general[16] = CodeAddress;
        general[17] = 2;
        Check(Libc.ioctl(processor, SetRegisters, general), "set the registers of a virtual processor");
    }

    private static KvmTrial Run(SafeFileHandle processor, nuint runBytes)
    {
        var run = (byte*)Libc.mmap(0, runBytes, protection: 3, flags: 1, processor, 0);
        if ((nint)run == -1) throw LinuxException.Last("map a virtual processor");
        try
        {
            // struct kvm_run: exit_reason at 8; for a port its number at 34, the offset of its data at 40.
            Check(Libc.ioctl(processor, RunProcessor, 0), "run a first guest");
            if (*(uint*)(run + 8) != ExitPort || *(ushort*)(run + 34) != Port || run[*(ulong*)(run + 40)] != ExpectedSum)
                return new($"a first guest went wrong (exit {*(uint*)(run + 8)})");
            Check(Libc.ioctl(processor, RunProcessor, 0), "run a first guest");
            return *(uint*)(run + 8) == ExitHalt ? new(Failure: null) : new($"a first guest did not halt (exit {*(uint*)(run + 8)})");
        }
        finally
        {
            _ = Libc.munmap((nint)run, runBytes);
        }
    }

    private static SafeFileHandle Open()
    {
        var number = Libc.open("/dev/kvm", (int)OpenFlags.ReadWrite | Libc.OpenCloseOnExec, 0);
        return Handle(number, "open /dev/kvm");
    }

    private static SafeFileHandle Handle(int number, string action) => new(Check(number, action), ownsHandle: true);

    private static int Check(int result, string action) => result >= 0 ? result : throw LinuxException.Last(action);
}
