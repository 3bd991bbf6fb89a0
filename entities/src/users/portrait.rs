//! Makes the picture of a user out of what was uploaded, without I/O: a square of one size, with no metadata, and in a format chosen here. What
//! is stored and served was written by this program, whatever came in.
//!
//! A small file may stand for a large picture. Its dimensions are read before its pixels, and both they and what the decoder may allocate are
//! bounded. Pixels are cut to a square before they are scaled, or a strip would become long instead of small.

use std::io::Cursor;

use image::{
    DynamicImage, ExtendedColorType, ImageDecoder, ImageError, ImageFormat, ImageReader,
    codecs::{jpeg::JpegEncoder, webp::WebPEncoder},
    imageops::FilterType,
    metadata::Orientation,
};

use crate::text::Flaw;

/// The width and the height of a portrait in pixels.
const SIDE: u32 = 256;
/// The largest width and height of what is uploaded.
const MOST_SIDE: u32 = 4_096;
/// The bytes of so many pixels with four channels.
const MOST_BYTES: u64 = 4 * (MOST_SIDE as u64) * (MOST_SIDE as u64);
const JPEG_QUALITY: u8 = 85;

/// A picture to store.
#[derive(Debug)]
pub(super) struct Portrait {
    pub(super) media_type: &'static str,
    pub(super) bytes: Vec<u8>,
}

/// Returns the portrait in the middle of a picture in JPEG, PNG or WebP, upright. It is a JPEG, or with transparent pixels a WebP.
///
/// # Errors
/// Returns the flaw of the picture.
pub(super) fn portrait(file: &[u8]) -> Result<Portrait, Flaw> {
    let (image, orientation) = decode(file)?;
    let side = image.width().min(image.height());
    let (x, y) = ((image.width() - side) / 2, (image.height() - side) / 2);
    let square = image.crop_imm(x, y, side, side);
    drop(image);
    let mut square = square.resize_exact(SIDE, SIDE, FilterType::Triangle);
    square.apply_orientation(orientation);
    encode(&square).map_err(|error| flaw_of(&error))
}

fn decode(file: &[u8]) -> Result<(DynamicImage, Orientation), Flaw> {
    let reader = ImageReader::new(Cursor::new(file)).with_guessed_format();
    let reader = reader.map_err(|_| unreadable())?;
    let known = [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP];
    match reader.format() {
        Some(ImageFormat::WebP) => check_chunks(file.get(12..).unwrap_or_default(), false)?,
        Some(format) if known.contains(&format) => {}
        _ => return Err(unreadable()),
    }
    let read = || {
        let mut limits = image::Limits::default();
        limits.max_image_width = Some(MOST_SIDE);
        limits.max_image_height = Some(MOST_SIDE);
        limits.max_alloc = Some(2 * MOST_BYTES);
        let mut reader = reader;
        reader.limits(limits.clone());
        let mut decoder = reader.into_decoder()?;
        let (width, height) = decoder.dimensions();
        limits.check_dimensions(width, height)?;
        limits.max_alloc = Some(MOST_BYTES);
        limits.reserve(decoder.total_bytes())?;
        limits.max_alloc = Some(MOST_BYTES);
        decoder.set_limits(limits)?;
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        Ok((DynamicImage::from_decoder(decoder)?, orientation))
    };
    read().map_err(|error: ImageError| flaw_of(&error))
}

/// Checks the chunks of a WebP, which its decoder believes: it allocates what a chunk says to have before it reads it, takes whatever
/// follows a chunk of transparency for a frame, and compares a lossy frame with the dimensions of the picture only when it has
/// decoded it.
fn check_chunks(mut rest: &[u8], is_frame: bool) -> Result<(), Flaw> {
    let number = |bytes: &[u8], at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
    let mut before = *b"none";
    while let Some((head, from)) = rest.split_at_checked(8) {
        let tag = [head[0], head[1], head[2], head[3]];
        let size = usize::from(number(head, 4)) | usize::from(number(head, 6)) << 16;
        let chunk = from.get(..size).ok_or_else(unreadable)?;
        if before == *b"ALPH" && tag != *b"VP8 " {
            return Err(unreadable());
        }
        match &tag {
            // After its flags and the code of its start, 14 bits for each side.
            b"VP8 " if size < 10 => return Err(unreadable()),
            b"VP8 " => {
                let side = |at| u32::from(number(chunk, at) & 0x3fff);
                if side(6).max(side(8)) > MOST_SIDE {
                    return Err(too_large());
                }
            }
            // A frame of a moving picture: its place and its time, and chunks, but no more frames.
            b"ANMF" if is_frame || size < 16 => return Err(unreadable()),
            b"ANMF" => check_chunks(&chunk[16..], true)?,
            _ => {}
        }
        before = tag;
        rest = from.get(size + size % 2..).unwrap_or_default();
    }
    Ok(())
}

fn encode(square: &DynamicImage) -> Result<Portrait, ImageError> {
    let mut bytes = Vec::new();
    let pixels = square.to_rgba8();
    let is_opaque = pixels.pixels().all(|pixel| pixel.0[3] == u8::MAX);
    let media_type = match is_opaque {
        true => {
            let pixels = square.to_rgb8();
            let mut encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
            encoder.encode(&pixels, SIDE, SIDE, ExtendedColorType::Rgb8)?;
            "image/jpeg"
        }
        false => {
            let encoder = WebPEncoder::new_lossless(&mut bytes);
            encoder.encode(&pixels, SIDE, SIDE, ExtendedColorType::Rgba8)?;
            "image/webp"
        }
    };
    Ok(Portrait { media_type, bytes })
}

fn flaw_of(error: &ImageError) -> Flaw {
    match error {
        ImageError::Limits(_) => too_large(),
        _ => unreadable(),
    }
}

fn too_large() -> Flaw {
    let message = format!(
        "must have at most {MOST_SIDE} by {MOST_SIDE} pixels, and fewer with 16 bits a channel"
    );
    Flaw::new("dimensions", message)
}

/// Returns the flaw of what is no picture that can be read.
pub(super) fn unreadable() -> Flaw {
    Flaw::new("format", "must be a picture in JPEG, PNG or WebP")
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage, Rgba, RgbaImage};

    use super::*;

    fn file(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        image.write_to(&mut file, format).expect("a file");
        file.into_inner()
    }

    fn code(file: &[u8]) -> &'static str {
        portrait(file).expect_err("no portrait").code
    }

    fn read(portrait: &Portrait) -> RgbaImage {
        let read = image::load_from_memory(&portrait.bytes);
        let read = read.expect("a picture").to_rgba8();
        assert_eq!(read.dimensions(), (SIDE, SIDE));
        read
    }

    fn is_near(one: Rgba<u8>, other: [u8; 4]) -> bool {
        let differences = one.0.iter().zip(other).map(|(a, b)| a.abs_diff(b));
        differences.max() < Some(40)
    }

    /// Red, green and blue from left to right.
    fn stripes(width: u32, height: u32) -> DynamicImage {
        let colors = [Rgb([255, 0, 0]), Rgb([0, 255, 0]), Rgb([0, 0, 255])];
        RgbImage::from_fn(width, height, |x, _| colors[(3 * x / width) as usize]).into()
    }

    #[test]
    fn a_portrait_is_the_middle_of_any_picture() {
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
            for (width, height) in [(300, 100), (3, 1), (600, 200)] {
                let made = portrait(&file(&stripes(width, height), format)).expect("a portrait");
                assert_eq!(made.media_type, "image/jpeg", "{format:?}");
                let pixel = *read(&made).get_pixel(SIDE / 2, SIDE / 2);
                assert!(is_near(pixel, [0, 255, 0, 255]), "{format:?}: {pixel:?}");
            }
        }
        let thin = portrait(&file(&stripes(3, 2_000), ImageFormat::Png)).expect("a portrait");
        read(&thin);
    }

    #[test]
    fn transparent_pixels_stay() {
        let clear = |x: u32, _: u32| Rgba([0, 0, 255, if x < 50 { 0 } else { 255 }]);
        let image = RgbaImage::from_fn(100, 100, clear).into();
        let made = portrait(&file(&image, ImageFormat::Png)).expect("a portrait");
        assert_eq!(made.media_type, "image/webp");
        let read = read(&made);
        assert_eq!(read.get_pixel(10, 128).0[3], 0);
        assert!(is_near(*read.get_pixel(250, 128), [0, 0, 255, 255]));
    }

    /// A JPEG that says that it lies on its side, and where it was taken.
    #[test]
    fn a_portrait_is_upright_and_says_nothing_else() {
        let plain = file(&stripes(90, 90), ImageFormat::Jpeg);
        let tiff = b"MM\0\x2a\0\0\0\x08\0\x02\
            \x01\x12\0\x03\0\0\0\x01\0\x06\0\0\
            \x01\x0e\0\x02\0\0\0\x0b\0\0\0\x26\
            \0\0\0\0at my home\0";
        let mut exif = b"Exif\0\0".to_vec();
        exif.extend_from_slice(tiff);
        let length = u16::try_from(exif.len() + 2).expect("short").to_be_bytes();
        let turned = [&plain[..2], &[0xff, 0xe1], &length, &exif, &plain[2..]].concat();
        let made = portrait(&turned).expect("a portrait");
        let has = |text: &[u8], part: &[u8]| text.windows(part.len()).any(|it| it == part);
        assert!(has(&turned, b"at my home") && !has(&made.bytes, b"at my home"));
        assert!(!has(&made.bytes, b"Exif"));
        let read = read(&made);
        // What was left is above, after a quarter turn to the right.
        assert!(is_near(*read.get_pixel(128, 10), [255, 0, 0, 255]));
        assert!(is_near(*read.get_pixel(128, 246), [0, 0, 255, 255]));
    }

    #[test]
    fn what_is_no_picture_or_too_large_is_refused() {
        let png = file(&stripes(30, 30), ImageFormat::Png);
        for broken in [
            &b""[..],
            b"GIF89a\x01\0\x01\0\0\0\0;",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            &png[..60],
            &png[8..],
        ] {
            assert_eq!(code(broken), "format", "{broken:?}");
        }
        // The header alone, which says that there are more pixels than may be read.
        for (width, height) in [(MOST_SIDE + 1, 1), (1, MOST_SIDE + 1), (100_000, 100_000)] {
            let image = stripes(3, 1);
            let mut wide = file(&image, ImageFormat::Png);
            wide[16..20].copy_from_slice(&u32::to_be_bytes(width));
            wide[20..24].copy_from_slice(&u32::to_be_bytes(height));
            let crc = crc32(&wide[12..29]);
            wide[29..33].copy_from_slice(&crc.to_be_bytes());
            assert_eq!(code(&wide), "dimensions", "{width} by {height}");
        }
        // A canvas of 16 by 16 pixels, and a frame of the largest that the format has.
        let mut extended = b"RIFF\x2c\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x0f\0\0\x0f\0\0".to_vec();
        extended.extend(b"VP8 \x0a\0\0\0\x10\0\0\x9d\x01\x2a\xff\x3f\xff\x3f");
        assert_eq!(code(&extended), "dimensions");
    }

    /// What a decoder would allocate, or take for a frame, because a chunk says so.
    #[test]
    fn chunks_are_not_believed() {
        let file = |flags: u8, chunks: &[&[u8]]| {
            let mut file = b"RIFF\xff\0\0\0WEBPVP8X\x0a\0\0\0".to_vec();
            file.extend([flags, 0, 0, 0, 0x0f, 0, 0, 0x0f, 0, 0]);
            file.extend(chunks.concat());
            file
        };
        let large = file(8, &[b"VP8L\x02\0\0\0\x2f\0", b"EXIF\xfe\xff\xff\xff"]);
        assert_eq!(code(&large), "format");
        let frame = b"\x10\0\0\x9d\x01\x2a\xff\x3f\xff\x3f";
        for (tag, expected) in [(b"VP8 ", "dimensions"), (b"XXXX", "format")] {
            let parts: [&[u8]; 7] = [
                b"ANMF",
                &[44, 0, 0, 0],
                &[0; 16],
                b"ALPH\x02\0\0\0\0\0",
                tag,
                b"\x0a\0\0\0",
                frame,
            ];
            assert_eq!(code(&file(2, &parts)), expected);
        }
        let mut nested = Vec::new();
        for _ in 0..2_000 {
            let size = u32::try_from(nested.len() + 16).expect("it is small");
            nested = [b"ANMF", &size.to_le_bytes()[..], &[0; 16], &nested].concat();
        }
        assert_eq!(code(&file(2, &[&nested])), "format");
    }

    fn crc32(bytes: &[u8]) -> u32 {
        let mut crc = u32::MAX;
        for byte in bytes {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
            }
        }
        !crc
    }
}
