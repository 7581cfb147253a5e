using System.Text;

namespace Lamina.Tests.Integration.Copies;

/// <summary>What a guest writes all the time to several disks, so that their content tells of one instant.</summary>
internal static class WritingGuest
{
    private const int Slots = 512;

    /// <summary>Number n goes to place n mod 512 of the first disk, then of the second; each is on disk before the next is written.</summary>
    public const string Script = """
        n=0
        while true; do
          n=$((n+1))
          for d in vda vdb; do printf '%08d' $n | dd of=/dev/$d bs=512 seek=$((n%512)) count=1 conv=fsync,notrunc 2>/dev/null; done
          [ $((n%25)) = 0 ] && echo "WRITTEN $n."
        done
        """;

    /// <summary>The last number written; every one before it that has not been written over must be there.</summary>
    public static int LastOf(byte[] disk)
    {
        int[] numbers = [.. Enumerable.Range(0, Slots).Select(slot => int.TryParse(Encoding.ASCII.GetString(disk, slot * 512, 8), out int number) ? number : 0)];
        int last = numbers.Max();
        for (int number = Math.Max(1, last - Slots + 1); number <= last; number++) Assert.Equal(number, numbers[number % Slots]);
        return last;
    }
}
