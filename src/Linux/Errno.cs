namespace Lamina.Linux;

/// <summary>The error numbers (x86-64) that callers branch on; see errno(3).</summary>
public static class Errno
{
    public const int NoEntry = 2;
    public const int NoSuchProcess = 3;
    public const int Interrupted = 4;
    public const int TryAgain = 11;
    public const int AccessDenied = 13;
    public const int Busy = 16;
    public const int Exists = 17;
    public const int CrossDevice = 18;
    public const int NoDevice = 19;
    public const int Invalid = 22;
    public const int NoSpace = 28;
    public const int SymbolicLinkMet = 40;
    public const int NotSupported = 95;
    public const int AddressNotAvailable = 99;
}
