namespace Lamina.Linux.Processes;

/// <summary>Signal numbers (x86-64) used here; see signal(7).</summary>
public static class Signal
{
    public const int HangUp = 1;
    public const int Interrupt = 2;
    public const int Quit = 3;
    public const int Abort = 6;
    public const int Kill = 9;
    public const int User1 = 10;
    public const int SegmentationFault = 11;
    public const int User2 = 12;
    public const int Terminate = 15;
    public const int Continue = 18;
    public const int Stop = 19;

    public static string NameOf(int number) => number switch
    {
        HangUp => "SIGHUP",
        Interrupt => "SIGINT",
        Quit => "SIGQUIT",
        4 => "SIGILL",
        Abort => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        Kill => "SIGKILL",
        User1 => "SIGUSR1",
        SegmentationFault => "SIGSEGV",
        User2 => "SIGUSR2",
        13 => "SIGPIPE",
        Terminate => "SIGTERM",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        31 => "SIGSYS",
        _ => "signal " + number,
    };
}
