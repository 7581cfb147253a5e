using System.Runtime.InteropServices;

namespace Lamina.Linux;

/// <summary>A system call failed. The message names what was tried, on which object, and the kernel's reason.</summary>
public sealed class LinuxException : IOException
{
    /// <param name="action">What was tried, in words, with the object's name: "create bridge lmabc".</param>
    /// <param name="errorNumber">The kernel's errno, positive.</param>
    public LinuxException(string action, int errorNumber)
        : base($"cannot {action}: {Marshal.GetPInvokeErrorMessage(errorNumber)} (errno {errorNumber})")
    {
        Action = action;
        ErrorNumber = errorNumber;
    }

    public LinuxException(string action, int errorNumber, string detail)
        : base($"cannot {action}: {Marshal.GetPInvokeErrorMessage(errorNumber)} (errno {errorNumber}): {detail}")
    {
        Action = action;
        ErrorNumber = errorNumber;
    }

    public string Action { get; }

    public int ErrorNumber { get; }

    /// <summary>Throws for the error that the last system call of this thread left behind.</summary>
    internal static LinuxException Last(string action) => new(action, Marshal.GetLastPInvokeError());
}
