import java.net.URI;

/** Fetches one address as most programs in Java do. */
class Fetch {
    public static void main(String[] words) throws Exception {
        URI.create(words[0]).toURL().openStream().readAllBytes();
    }
}
