using System.Diagnostics;

namespace Lamina.Linux;

/// <summary>
/// Places where a test build may end itself, as a crash would: at every commit and at every external effect. In other builds no call remains.
/// </summary>
/// <remarks>
/// <para>A name has three parts, <c>what.of.when</c>: <c>commit.&lt;label&gt;.before|after</c> for commits; for an effect outside the store what is done,
/// to which kind of thing (never with an id in it), and when: <c>rename.disks.before</c>, <c>qmp.cont.after</c>. The effects' points stand in the
/// functions that have them, here and in the engine, so that no caller can forget one.</para>
/// <para>Built with <c>-p:CrashPoints=true</c>. <c>LAMINA_CRASH_AT=name[:nth]</c> ends the process by SIGKILL when the name is reached
/// for the nth time (default 1); <c>LAMINA_CRASH_LOG</c> names a file to which every name reached is appended, one a line, so that a test
/// can list them all. With <c>LAMINA_CRASH_ARM</c> both begin only when the file of that name is there.</para>
/// </remarks>
public static partial class CrashPoints
{
    [Conditional("CRASH_POINTS")]
    public static void Reached(string what, string of, string when) => Reach($"{what}.{of}.{when}");

    static partial void Reach(string name);
}
