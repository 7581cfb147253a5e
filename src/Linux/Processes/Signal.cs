namespace Lamina.Linux.Processes;

/// <summary>Signal numbers (x86-64) used here; see signal(7).</summary>
public static class Signal
{
    public const int HangUp = 1;
    public const int Kill = 9;
    public const int SegmentationFault = 11;
    public const int Terminate = 15;
    public const int Continue = 18;
    public const int Stop = 19;

    public static string NameOf(int number) => number switch
    {
        HangUp => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        Kill => "SIGKILL",
        10 => "SIGUSR1",
        SegmentationFault => "SIGSEGV",
        12 => "SIGUSR2",
        13 => "SIGPIPE",
        Terminate => "SIGTERM",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        31 => "SIGSYS",
        _ => "signal " + number,
    };
}
